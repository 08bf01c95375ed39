// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/config.h"

namespace cordwood::api {

/// One setting: the file's key, the flag and the variable, the help, /config and README's table all come from here.
struct ConfigKey {
  enum class Form : unsigned char { scalar, text, list, maps };
  std::string name;  ///< `limits_config.max_line_size`
  std::string help;
  Form form = Form::scalar;
  std::function<Result<void>(Config&, std::string_view)> set;  ///< lists: separated by commas; maps: a JSON array
  std::function<std::string(const Config&)> print;
};

/// Loki has the keys of the bucket in two places.
constexpr std::string_view kBucketSection = "storage_config.aws.";
constexpr std::string_view kBucketAlias = "common.storage.s3.";

/// Every key we use, section by section.
const std::vector<ConfigKey>& config_keys();
const ConfigKey* find_config_key(std::string_view name);
/// `CORDWOOD_LIMITS_CONFIG_MAX_LINE_SIZE`.
std::string variable_of(const ConfigKey& key);

/// Whether Loki has this key (or section, or a key below one) and it means nothing here.
bool is_ignored_loki_key(std::string_view name);

/// The effective configuration as YAML.
std::string print_config(const Config& config);
/// The keys with defaults and help as a Markdown table.
std::string print_config_table();

}  // namespace cordwood::api
