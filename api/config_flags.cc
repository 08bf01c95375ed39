// SPDX-License-Identifier: Apache-2.0
#include "api/config_flags.h"

#include <CLI/CLI.hpp>

#include "api/config_keys.h"

namespace cordwood::api {

static void set_listen(ConfigSources* sources, const std::string& listen) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) throw CLI::ValidationError("--http-listen", "want ADDRESS:PORT");
  std::string address = listen.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (!address.empty()) sources->flags["server.http_listen_address"] = address;
  sources->flags["server.http_listen_port"] = listen.substr(colon + 1);
}

void add_config_flags(CLI::App& command, ConfigSources* sources) {
  sources->variable = environment_variable;
  command.add_option("--config", sources->file, "YAML file; Loki's configuration files are understood");
  command.add_option_function<std::string>(
      "--data-dir", [sources](const std::string& v) { sources->flags["data_dir"] = v; }, "Where everything is kept");
  command.add_option_function<std::string>(
      "--http-listen", [sources](const std::string& v) { set_listen(sources, v); }, "ADDRESS:PORT to listen on");
  for (const ConfigKey& key : config_keys()) {
    command
        .add_option_function<std::string>(
            "--" + key.name, [sources, name = key.name](const std::string& v) { sources->flags[name] = v; }, key.help)
        ->group("Configuration keys (also in the file, and as CORDWOOD_… variables)")
        ->default_str(key.print(Config{}));
  }
}

}  // namespace cordwood::api
