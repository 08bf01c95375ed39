// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "api/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Cordwood keeps structured logs and answers LogQL over Loki's HTTP API.", "cordwood");
  app.require_subcommand(1);
  cordwood::api::Command command;
  cordwood::api::add_serve_command(app, &command);
  cordwood::api::add_push_command(app, &command);
  cordwood::api::add_query_command(app, &command);
  cordwood::api::add_inspect_command(app, &command);
  cordwood::api::add_version_command(app, &command);
  cordwood::api::add_config_command(app, &command);
  cordwood::api::add_backup_commands(app, &command);
  CLI11_PARSE(app, argc, argv);
  return command();
}
