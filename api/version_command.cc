// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/build_version.h"
#include "api/commands.h"

namespace cordwood::api {

void add_version_command(CLI::App& app, Command* chosen) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->callback([chosen] {
    *chosen = [] {
      std::printf("cordwood %s\n", std::string(kVersion).c_str());
      return 0;
    };
  });
}

}  // namespace cordwood::api
