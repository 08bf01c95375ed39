// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/client_flags.h"
#include "api/commands.h"
#include "api/durations.h"
#include "api/params.h"
#include "api/query_client.h"
#include "api/query_printer.h"
#include "storage/base/clock.h"

namespace cordwood::api {
namespace {

struct QueryFlags {
  ClientFlags client;
  FetchRequest request;
  std::string since = "1h";
  std::string from;
  std::string to;
  std::string instant;  ///< the time of an instant query; empty: a range query
  bool is_instant = false;
  std::string output = "default";
  std::string colour = "auto";
  bool stats = false;
  bool tail = false;
  uint64_t delay_s = 0;
};

OutputForm form_of(const std::string& name) {
  if (name == "raw") return OutputForm::raw;
  return name == "jsonl" ? OutputForm::jsonl : OutputForm::standard;
}

/// `now`, a duration back from now (`-2h`), or what the API takes as a time.
Result<int64_t> time_of(const std::string& text, int64_t now_ns) {
  if (text == "now") return now_ns;
  if (text.starts_with('-')) {
    auto back = parse_prometheus_duration(std::string_view(text).substr(1));
    if (back.ok()) return now_ns - *back;
  }
  return parse_time(text);
}

Result<void> write_all(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return Error::io("cannot write to standard output");
  }
  return {};
}

QueryPrinter printer_of(const QueryFlags& flags) {
  const bool colours = flags.colour == "always" || (flags.colour == "auto" && ::isatty(STDOUT_FILENO) == 1);
  return {form_of(flags.output), colours};
}

void print_warnings(const FetchedPage& page) {
  for (const auto& warning : page.warnings) std::fprintf(stderr, "cordwood: warning: %s\n", warning.c_str());
}

Result<int64_t> start_of(const QueryFlags& flags, int64_t end_ns, int64_t now_ns) {
  if (!flags.from.empty()) return time_of(flags.from, now_ns);
  TRY_ASSIGN(const int64_t since_ns, parse_prometheus_duration(flags.since));
  return end_ns - since_ns;
}

Result<void> run_tail(const QueryFlags& flags) {
  SystemClock clock;
  const int64_t now_ns = clock.now_ns();
  FollowRequest request;
  request.query = flags.request.query;
  request.limit = flags.request.limit;
  request.delay_s = flags.delay_s;
  TRY_ASSIGN(request.start_ns, start_of(flags, now_ns, now_ns));
  TRY_ASSIGN(const ServerUrl server, parse_server_url(flags.client.url));
  const QueryPrinter printer = printer_of(flags);
  Result<void> written;
  TRY(follow(server, flags.client.headers(), request, [&](const FetchedPage& page) {
    print_warnings(page);
    written = write_all(printer.print(page));
    return written.ok();
  }));
  return written;
}

Result<void> run(QueryFlags flags) {
  if (flags.tail) return run_tail(flags);
  SystemClock clock;
  const int64_t now_ns = clock.now_ns();
  TRY_ASSIGN(const auto client, flags.client.connect());
  QueryClient queries(*client, flags.client.headers());
  const QueryPrinter printer = printer_of(flags);
  Result<void> written;
  std::string stats;
  const auto take = [&](const FetchedPage& page) {
    print_warnings(page);
    if (written.ok()) written = write_all(printer.print(page));
    if (flags.stats) stats += print_stats(page.raw_stats);
  };
  if (flags.is_instant || !flags.instant.empty()) {
    TRY_ASSIGN(const int64_t time_ns, time_of(flags.instant.empty() ? "now" : flags.instant, now_ns));
    TRY_ASSIGN(const FetchedPage page,
               queries.get("query", {{"query", flags.request.query}, {"time", std::to_string(time_ns)}}, false));
    take(page);
  } else {
    FetchRequest& request = flags.request;
    TRY_ASSIGN(request.end_ns, time_of(flags.to.empty() ? "now" : flags.to, now_ns));
    TRY_ASSIGN(request.start_ns, start_of(flags, request.end_ns, now_ns));
    TRY(queries.range(request, take));
  }
  std::fputs(stats.c_str(), stderr);
  return written;
}

}  // namespace

void add_query_command(CLI::App& app, Command* chosen) {
  CLI::App* command = app.add_subcommand("query", "Run a LogQL query and print what it finds");
  const auto flags = std::make_shared<QueryFlags>();
  add_client_flags(*command, &flags->client);
  FetchRequest& request = flags->request;
  request.limit = 30;
  command->add_option("query", request.query, "LogQL")->required();
  command->add_option("--limit", request.limit, "Lines to print; 0: all")->capture_default_str();
  command->add_option("--batch", request.page, "Lines to fetch at a time")->capture_default_str();
  command->add_option("--since", flags->since, "How far back from --to (1h, 7d)")->capture_default_str();
  command->add_option("--from", flags->from, "Start: RFC 3339, Unix time, or -2h");
  command->add_option("--to", flags->to, "End, not included: the same, or now (default)");
  command->add_flag("--forward", request.forward, "Oldest first");
  command->add_option("--step", request.step, "Step of a metric query (30s, 5m)");
  command->add_flag("--instant", flags->is_instant, "Evaluate a metric query at one time");
  command->add_option("--at", flags->instant, "The time of --instant (default now)");
  command->add_option("--output,-o", flags->output, "default, raw (lines, byte for byte) or jsonl")
      ->check(CLI::IsMember({"default", "raw", "jsonl"}))
      ->capture_default_str();
  command->add_option("--color,--colour", flags->colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  CLI::Option* tail = command->add_flag("--tail,-f", flags->tail, "Print lines as they come, after --limit older ones");
  command->add_option("--delay-for", flags->delay_s, "With --tail: seconds that lines wait for earlier ones")
      ->check(CLI::Range(0, 5))
      ->needs(tail);
  command->add_flag("--stats", flags->stats, "Print what the query cost to standard error");
  command->callback([chosen, flags] {
    *chosen = [flags] {
      const auto done = run(*flags);
      if (done.ok()) return 0;
      std::fprintf(stderr, "cordwood: %s\n", done.error().message.c_str());
      return 1;
    };
  });
}

}  // namespace cordwood::api
