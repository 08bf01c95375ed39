// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/commands.h"
#include "api/config_flags.h"
#include "api/config_keys.h"

namespace cordwood::api {
namespace {

int check(const ConfigSources& sources) {
  auto loaded = load_config(sources);
  if (!loaded.ok()) {
    std::fprintf(stderr, "cordwood: %s\n", loaded.error().message.c_str());
    return 1;
  }
  int status = 0;
  for (const ConfigFinding& finding : loaded->findings) {
    switch (finding.use) {
      case ConfigFinding::Use::used:
        std::printf("used     %s = %s\n", finding.key.c_str(),
                    find_config_key(finding.key)->print(loaded->config).c_str());
        break;
      case ConfigFinding::Use::ignored: std::printf("ignored  %s\n", finding.key.c_str()); break;
      case ConfigFinding::Use::unknown:
        std::printf("unknown  %s (%s:%d)\n", finding.key.c_str(), sources.file.c_str(), finding.line);
        status = 1;
        break;
      case ConfigFinding::Use::wrong:
        std::printf("wrong    %s (%s:%d): %s\n", finding.key.c_str(), sources.file.c_str(), finding.line,
                    finding.message.c_str());
        status = 1;
        break;
    }
  }
  if (!sources.file.empty()) return status;
  for (const ConfigKey& key : config_keys()) {
    std::printf("used     %s = %s\n", key.name.c_str(), key.print(loaded->config).c_str());
  }
  return status;
}

}  // namespace

void add_config_command(CLI::App& app, Command* chosen) {
  CLI::App* command = app.add_subcommand("config", "Look at the configuration");
  command->require_subcommand(1);
  CLI::App* checker = command->add_subcommand("check", "Tell which keys of a file are used, ignored or unknown");
  const auto sources = std::make_shared<ConfigSources>();
  add_config_flags(*checker, sources.get());
  checker->callback([chosen, sources] { *chosen = [sources] { return check(*sources); }; });
  CLI::App* table = command->add_subcommand("table", "Print every key with its default as a Markdown table");
  table->callback([chosen] {
    *chosen = [] {
      std::fputs(print_config_table().c_str(), stdout);
      return 0;
    };
  });
}

}  // namespace cordwood::api
