// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "api/allocator.h"
#include "api/commands.h"
#include "api/config_flags.h"
#include "api/config_memory.h"
#include "api/data_lock_command.h"
#include "api/server.h"
#include "api/ticker.h"

namespace cordwood::api {
namespace {

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

void report_ignored(const std::vector<ConfigFinding>& findings, Logger& log) {
  for (const ConfigFinding& finding : findings) {
    if (finding.use != ConfigFinding::Use::ignored) continue;
    log.info("configuration key of Loki ignored", {{"key", finding.key}, {"line", finding.line}});
  }
}

void honour_cgroup(Config* config, Logger& log) {
  const auto limit = cgroup_memory_limit(machine_files());
  if (!limit || !fit_memory(*limit, &config->memory)) return;
  uint64_t sum = 0;
  for (const uint64_t share : config->memory.bytes) sum += share;
  log.warn("memory shares cut down to fit the cgroup", {{"cgroup_limit_bytes", *limit}, {"shares_bytes", sum}});
}

int serve(const ConfigSources& sources) {
  set_up_allocator();
  auto loaded = load_config(sources);
  if (!loaded.ok()) return fail(loaded.error().message);
  if (auto checked = check_findings(loaded->findings, sources.file); !checked.ok()) {
    return fail(checked.error().message);
  }
  Config config = loaded->config;
  const auto log = Logger::to_stderr(level_of(config.log_level));
  report_ignored(loaded->findings, *log);
  honour_cgroup(&config, *log);
  if (auto locked = lock_directory(config.data_dir); !locked.ok()) return fail(locked.error().message);

  // Blocked before any thread starts, so that only sigwait() below sees them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  TrimPolicy policy;
  const Ticker trimming([&policy] { give_memory_back(&policy); });

  std::atomic<bool> ended{false};
  const auto is_ended = [&ended, &ends] {
    static constexpr timespec kNow{0, 0};
    if (!ended && sigtimedwait(&ends, nullptr, &kNow) > 0) ended = true;
    return ended.load();
  };
  auto server = Server::start(config, log, is_ended);
  if (!server.ok()) return server.error().kind == ErrorKind::cancelled ? 0 : fail(server.error().message);
  int signal = 0;
  if (!ended) sigwait(&ends, &signal);
  auto stopped = (*server)->stop();
  if (!stopped.ok()) return fail(stopped.error().message);
  return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, Command* chosen) {
  CLI::App* command = app.add_subcommand("serve", "Run the server");
  const auto sources = std::make_shared<ConfigSources>();
  add_config_flags(*command, sources.get());
  command->callback([chosen, sources] { *chosen = [sources] { return serve(*sources); }; });
}

}  // namespace cordwood::api
