// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace cordwood::api {

/// What a chosen subcommand does; answers the exit status.
using Command = std::function<int()>;

/// Says why a command failed; the exit status for that.
inline int fail(const std::string& message) {
  std::fprintf(stderr, "cordwood: %s\n", message.c_str());
  return 1;
}

// Each adds its subcommand to `app`; when it is chosen, `*chosen` is set.
void add_serve_command(CLI::App& app, Command* chosen);
void add_push_command(CLI::App& app, Command* chosen);
void add_query_command(CLI::App& app, Command* chosen);
void add_inspect_command(CLI::App& app, Command* chosen);
void add_version_command(CLI::App& app, Command* chosen);
void add_config_command(CLI::App& app, Command* chosen);
/// backup, restore, repair
void add_backup_commands(CLI::App& app, Command* chosen);

}  // namespace cordwood::api
