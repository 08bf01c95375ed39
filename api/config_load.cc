// SPDX-License-Identifier: Apache-2.0
#include "api/config_load.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "api/config_keys.h"
#include "api/json_text.h"

namespace cordwood::api {
namespace {

using Use = ConfigFinding::Use;

/// Walks the file's maps down to what a key names.
class FileWalker {
 public:
  FileWalker(Config* config, std::vector<ConfigFinding>* findings) : config_(config), findings_(findings) {}

  void walk(const YAML::Node& map, const std::string& prefix) {
    for (const auto& item : map) {
      const std::string key = prefix + item.first.as<std::string>("");
      visit(key, item.first.Mark().line + 1, item.second);
    }
  }

 private:
  void visit(const std::string& key, int line, const YAML::Node& value) {
    if (const ConfigKey* known = find_config_key(key)) {
      set(*known, line, value);
    } else if (value.IsMap() && (holds_our_keys(key) || holds_bucket_keys(key, value))) {
      walk(value, key + ".");
    } else if (is_ignored_loki_key(key)) {
      findings_->push_back({Use::ignored, key, line, {}});
    } else if (value.IsMap() && value.size() > 0) {
      walk(value, key + ".");
    } else if (value.IsNull() && holds_our_keys(key)) {
      return;  // a section left empty
    } else {
      findings_->push_back({Use::unknown, key, line, {}});
    }
  }

  static bool holds_our_keys(const std::string& section) {
    for (const ConfigKey& key : config_keys()) {
      if (key.name.starts_with(section + ".")) return true;
    }
    return false;
  }

  /// Whether the file itself names the bucket below `section` where Loki's `common` has it.
  static bool holds_bucket_keys(const std::string& section, const YAML::Node& value) {
    if (!kBucketAlias.starts_with(section + ".")) return false;
    std::string_view rest = kBucketAlias.substr(section.size() + 1);
    YAML::Node at = value;
    while (!rest.empty()) {
      const YAML::Node& map = at;
      if (!map.IsMap()) return false;
      const std::string part(rest.substr(0, rest.find('.')));
      const YAML::Node next = map[part];
      if (!next.IsDefined()) return false;
      at.reset(next);
      rest.remove_prefix(part.size() + 1);
    }
    return at.IsMap();
  }

  /// A sequence of flat maps; every value is a string.
  static std::string json_of(const YAML::Node& sequence) {
    std::string out = "[";
    for (const auto& map : sequence) {
      if (out.size() > 1) out += ",";
      out += "{";
      if (map.IsMap()) {
        for (const auto& item : map) {
          if (out.back() != '{') out += ",";
          append_json_string(item.first.as<std::string>(""), JsonEscape::plain, &out);
          out += ":";
          append_json_string(item.second.as<std::string>(""), JsonEscape::plain, &out);
        }
      }
      out += "}";
    }
    return out + "]";
  }

  void set(const ConfigKey& key, int line, const YAML::Node& value) {
    std::string text;
    if (key.form == ConfigKey::Form::maps && value.IsSequence()) {
      text = json_of(value);
    } else if (value.IsSequence()) {
      for (const auto& item : value) text += (text.empty() ? "" : ",") + item.as<std::string>("");
    } else if (value.IsScalar()) {
      text = value.Scalar();
    }
    const bool takes_sequence = key.form == ConfigKey::Form::list || key.form == ConfigKey::Form::maps;
    const bool misshapen = value.IsMap() || (value.IsSequence() && !takes_sequence);
    Result<void> done = misshapen ? Result<void>(Error::invalid("want a single value")) : key.set(*config_, text);
    if (value.IsNull() && key.form == ConfigKey::Form::scalar) done = {};  // left empty: the default
    if (done.ok()) {
      findings_->push_back({Use::used, key.name, line, {}});
    } else {
      findings_->push_back({Use::wrong, key.name, line, done.error().message});
    }
  }

  Config* config_;
  std::vector<ConfigFinding>* findings_;
};

}  // namespace

Result<std::vector<ConfigFinding>> apply_yaml(const std::string& text, const std::string& file, Config* config) {
  std::vector<ConfigFinding> findings;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return findings;
    if (!root.IsMap()) return Error::invalid(file + ": not a map of keys");
    FileWalker(config, &findings).walk(root, "");
  } catch (const YAML::Exception& e) {
    return Error::invalid(fmt::format("{}:{}: {}", file, e.mark.line + 1, e.msg));
  }
  return findings;
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  LoadedConfig loaded;
  if (!sources.file.empty()) {
    std::ifstream in(sources.file, std::ios::binary);
    if (!in) return Error::not_found("cannot read the configuration file '" + sources.file + "'");
    std::ostringstream text;
    text << in.rdbuf();
    TRY_ASSIGN(loaded.findings, apply_yaml(text.str(), sources.file, &loaded.config));
  }
  for (const ConfigKey& key : config_keys()) {
    const std::string variable = variable_of(key);
    const auto value = sources.variable ? sources.variable(variable) : std::nullopt;
    if (!value) continue;
    auto done = key.set(loaded.config, *value);
    if (!done.ok()) return Error::invalid(fmt::format("{}={}: {}", variable, *value, done.error().message));
  }
  for (const auto& [name, value] : sources.flags) {
    const ConfigKey* key = find_config_key(name);
    CHECK(key != nullptr, "a flag without a key: {}", name);
    auto done = key->set(loaded.config, value);
    if (!done.ok()) return Error::invalid(fmt::format("--{}={}: {}", name, value, done.error().message));
  }
  return loaded;
}

Result<void> check_findings(const std::vector<ConfigFinding>& findings, const std::string& file) {
  for (const ConfigFinding& finding : findings) {
    if (finding.use == Use::unknown) {
      return Error::invalid(fmt::format("{}:{}: unknown key {}", file, finding.line, finding.key));
    }
    if (finding.use == Use::wrong) {
      return Error::invalid(fmt::format("{}:{}: {}: {}", file, finding.line, finding.key, finding.message));
    }
  }
  return {};
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace cordwood::api
