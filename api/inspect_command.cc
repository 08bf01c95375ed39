// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/commands.h"
#include "index/terms_database.h"
#include "storage/inspect.h"

namespace cordwood::api {

static int inspect(const std::vector<std::string>& files, const InspectOptions& options) {
  PosixFileSystem fs;
  int status = 0;
  for (const std::string& file : files) {
    if (files.size() > 1) std::printf("%s:\n", file.c_str());
    const auto print = [](std::string_view line) {
      std::fwrite(line.data(), 1, line.size(), stdout);
      std::fputc('\n', stdout);
    };
    const auto report = inspect_file(fs, file, options, print);
    if (!report.ok()) std::fprintf(stderr, "cordwood: %s: %s\n", file.c_str(), report.error().message.c_str());
    if (!report.ok() || report->damages > 0) status = 1;
  }
  return status;
}

void add_inspect_command(CLI::App& app, Command* chosen) {
  CLI::App* command = app.add_subcommand("inspect", "Print any file the server writes; goes on past damage");
  const auto files = std::make_shared<std::vector<std::string>>();
  const auto options = std::make_shared<InspectOptions>();
  options->list_terms = index::list_terms;
  command->add_option("files", *files, "Files")->required();
  command->add_flag("--forms", options->forms, "Count how lines and columns are kept");
  command->callback([chosen, files, options] { *chosen = [files, options] { return inspect(*files, *options); }; });
}

}  // namespace cordwood::api
