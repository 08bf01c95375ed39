// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "api/client_flags.h"
#include "api/commands.h"
#include "api/line_times.h"
#include "api/push_sender.h"
#include "storage/base/clock.h"
#include "storage/model/labels.h"

namespace cordwood::api {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr int64_t kProgressEvery_ns = 200'000'000;

struct PushFlags {
  ClientFlags client;
  std::vector<std::string> labels;
  std::vector<std::string> files;
  LineTimeOptions times;
  PushSenderOptions sender;
};

/// Splits what comes in at '\n' and nothing else.
class LineReader {
 public:
  explicit LineReader(int fd) : fd_(fd) {}
  /// Hands every line to `take`, an unterminated last one too.
  template <typename Take>
  Result<void> read(Take take) {
    std::string pending;
    auto buffer = std::make_unique<char[]>(kReadBytes);
    for (;;) {
      const ssize_t n = ::read(fd_, buffer.get(), kReadBytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error::io(std::strerror(errno));
      if (n == 0) break;
      std::string_view rest(buffer.get(), static_cast<size_t>(n));
      for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        if (pending.empty()) {
          TRY(take(rest.substr(0, end)));
        } else {
          pending.append(rest.substr(0, end));
          TRY(take(std::string_view(pending)));
          pending.clear();
        }
        rest.remove_prefix(end + 1);
      }
      pending.append(rest);
    }
    if (pending.empty()) return {};
    return take(std::string_view(pending));
  }

 private:
  int fd_;
};

/// One line on the terminal, written again and again.
class Progress {
 public:
  Progress(Clock& clock, bool shown) : clock_(clock), shown_(shown), begin_ns_(clock.monotonic_ns()) {}
  void show(const PushSender& sender, bool last) {
    const int64_t now_ns = clock_.monotonic_ns();
    if (!shown_ || (!last && now_ns - shown_ns_ < kProgressEvery_ns)) return;
    shown_ns_ = now_ns;
    const double seconds = static_cast<double>(now_ns - begin_ns_) / 1e9;
    const double mb = static_cast<double>(sender.sent_bytes()) / 1e6;
    const std::string text = fmt::format("\r{} lines, {:.1f} MB, {:.1f} MB/s, {:.1f} s\x1b[K{}", sender.sent_lines(),
                                         mb, seconds > 0 ? mb / seconds : 0, seconds, last ? "\n" : "");
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
  }

 private:
  Clock& clock_;
  bool shown_;
  int64_t begin_ns_;
  int64_t shown_ns_ = 0;
};

Result<std::string> label_string(const std::vector<std::string>& labels) {
  std::vector<Labels::Pair> pairs;
  for (const std::string& label : labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error::invalid("--label wants NAME=VALUE, got '" + label + "'");
    pairs.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }
  if (pairs.empty()) pairs.emplace_back("job", "cordwood");
  return Labels::from_pairs(std::move(pairs)).to_string();
}

Result<uint64_t> push(PushFlags flags) {
  TRY_ASSIGN(flags.sender.labels, label_string(flags.labels));
  flags.sender.sleep = sleep_ns;
  TRY_ASSIGN(const auto client, flags.client.connect());
  SystemClock clock;
  PushSender sender(flags.sender, *client, flags.client.headers());
  LineTimes times(flags.times, clock);
  Progress progress(clock, ::isatty(STDERR_FILENO) == 1);
  const auto take = [&](std::string_view line) -> Result<void> {
    TRY(sender.add(times.next(line), line));
    progress.show(sender, false);
    return {};
  };
  if (flags.files.empty()) flags.files.emplace_back("-");
  for (const std::string& file : flags.files) {
    const int fd = file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error::io(file + ": " + std::strerror(errno));
    auto read = LineReader(fd).read(take);
    if (fd != STDIN_FILENO) ::close(fd);
    if (!read.ok()) return read.error().with_context(file);
  }
  TRY(sender.finish());
  progress.show(sender, true);
  if (sender.refused_batches() > 0) {
    std::fprintf(stderr, "cordwood: the server refused lines in %llu requests; the last said: %s\n",
                 static_cast<unsigned long long>(sender.refused_batches()), sender.refusal().c_str());
  }
  return sender.refused_batches();
}

}  // namespace

void add_push_command(CLI::App& app, Command* chosen) {
  CLI::App* command = app.add_subcommand("push", "Send the lines of files, or of standard input, as one stream");
  const auto flags = std::make_shared<PushFlags>();
  add_client_flags(*command, &flags->client);
  command->add_option("--label,-l", flags->labels, "NAME=VALUE, as often as wanted (default job=cordwood)")
      ->allow_extra_args(false);
  CLI::Option* pattern = command->add_option("--time-pattern", flags->times.pattern,
                                             "Take times from the lines: a pattern of strptime, %f for a fraction of a "
                                             "second; UTC unless it says otherwise");
  command->add_option("--time-field", flags->times.json_field, "Take times from this field of JSON lines")
      ->excludes(pattern);
  command->add_flag("--keep-ties", flags->times.keep_ties,
                    "Leave times as they are, even if a line is not later than the one before");
  command->add_option("--batch-bytes", flags->sender.batch_bytes, "Raw bytes of a request")->capture_default_str();
  command->add_option("--attempts", flags->sender.attempts, "How often a request is sent before giving up")
      ->capture_default_str();
  command->add_option("files", flags->files, "Files; - or none: standard input");
  command->callback([chosen, flags] {
    *chosen = [flags] {
      const auto refused = push(*flags);
      if (!refused.ok()) std::fprintf(stderr, "\ncordwood: %s\n", refused.error().message.c_str());
      return refused.ok() && *refused == 0 ? 0 : 1;
    };
  });
}

}  // namespace cordwood::api
