// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/config.h"

namespace cordwood::api {

/// What became of a key of the file.
struct ConfigFinding {
  enum class Use : unsigned char { used, ignored, unknown, wrong };
  Use use = Use::used;
  std::string key;
  int line = 0;
  std::string message;  ///< wrong: what is wrong with the value
};

/// Applies the keys of a YAML text to `config`; the findings are in the order of the file.  invalid when it is no
/// YAML map.
Result<std::vector<ConfigFinding>> apply_yaml(const std::string& text, const std::string& file, Config* config);

struct ConfigSources {
  std::string file;                          ///< empty: none
  std::map<std::string, std::string> flags;  ///< by key
  std::function<std::optional<std::string>(const std::string&)> variable;
};

struct LoadedConfig {
  Config config;
  std::vector<ConfigFinding> findings;
};
/// Defaults, then file, then variables, then flags.  Unknown keys and wrong values of the file are findings; wrong
/// variables and flags are an error.
Result<LoadedConfig> load_config(const ConfigSources& sources);
/// An error for the first finding a server must not start with, as `file:line: …`.
Result<void> check_findings(const std::vector<ConfigFinding>& findings, const std::string& file);

/// The process's variables.
std::optional<std::string> environment_variable(const std::string& name);

}  // namespace cordwood::api
