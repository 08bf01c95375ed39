// SPDX-License-Identifier: Apache-2.0
#include "bench/generator/service_logs.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>

namespace cordwood::bench {

namespace {

constexpr const char* kServices[] = {"edge",   "login",  "basket", "stock",  "offers",
                                     "ledger", "parcel", "mailer", "advice", "audit"};
constexpr const char* kPaths[] = {"/v2/items/{}", "/v2/items", "/v2/baskets/{}/lines",
                                  "/session",     "/health",   "/v1/find"};
constexpr const char* kMessages[] = {
    "handled in {} us",        "cache had no entry for item:{}", "rows read {} of {}",
    "message {} acknowledged", "retry {} of an upstream call",   "token of user {} is fine",
    "pool has {} idle of {}",  "wrote {} bytes to bucket {}"};
constexpr const char* kFailures[] = {"upstream gave up after {} ms", "no route to 10.3.{}.{}", "field {} is missing",
                                     "breaker {} is open"};
constexpr uint64_t kLinesPerTrace = 8;
constexpr uint64_t kSampledTraces = 200;

std::string filled(const char* text, Dice* dice) {
  std::string out;
  for (; *text != '\0'; ++text) {
    if (text[0] == '{' && text[1] == '}') {
      out += std::to_string(dice->below(100'000));
      ++text;
    } else {
      out += *text;
    }
  }
  return out;
}

std::string iso_time(int64_t time_ns) {
  const std::time_t seconds = time_ns / 1'000'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), time_ns % 1'000'000'000 / 1000);
}

int status_of(uint64_t percent_tenths) {
  if (percent_tenths < 900) return 200;
  if (percent_tenths < 930) return 201;
  if (percent_tenths < 985) return 404;
  return percent_tenths < 995 ? 500 : 503;
}

}  // namespace

ServiceLogs::ServiceLogs(uint64_t seed, int64_t start_ns, int64_t span_ns, uint64_t lines)
    : seed_(seed), start_ns_(start_ns), span_ns_(span_ns), lines_(lines) {
  for (const char* region : {"", "-eu", "-us"}) {
    for (const char* service : kServices) apps_.push_back(std::string(service) + region);
  }
}

std::string ServiceLogs::stream_labels(uint32_t stream) const {
  const std::string& app = app_of(stream);
  return fmt::format(R"({{app="{0}", env="bench", pod="{0}-{1}"}})", app, stream % kPods);
}

ServiceLogs::Line ServiceLogs::line(uint64_t number, Truth* truth) const {
  Dice dice(seed_ * 0x1000193 + number * 0x9E37);
  Line out;
  out.stream = static_cast<uint32_t>(dice.below(streams()));
  const double share = static_cast<double>(number) / static_cast<double>(lines_);
  out.time_ns =
      start_ns_ + static_cast<int64_t>(share * static_cast<double>(span_ns_)) + static_cast<int64_t>(dice.below(900));
  const uint64_t newest_trace = number / kLinesPerTrace;
  const uint64_t trace = newest_trace - std::min(newest_trace, dice.below(64));
  Dice ids(seed_ ^ (trace * 2 + 1));
  const std::string trace_id = fmt::format("{:016x}{:016x}", ids.roll(), ids.roll());
  const std::string& app = app_of(out.stream);
  const int status = status_of(dice.below(1000));
  const char* level = status >= 500 ? "error" : status >= 400 ? "warn" : dice.below(6) == 0 ? "debug" : "info";
  std::string message = filled(status >= 500 ? kFailures[dice.below(4)] : kMessages[dice.below(8)], &dice);
  const bool rare = dice.below(500'000) == 0;
  if (rare) message = kRarePhrase;
  const double took_ms = -std::log(1 - static_cast<double>(dice.below(1'000'000)) / 1e6) * 25 + 0.2;
  const uint64_t form = dice.below(10);
  const std::string path = filled(kPaths[dice.below(6)], &dice);
  if (form < 7) {
    out.text = fmt::format(
        R"({{"time":"{}","level":"{}","logger":"org.bench.{}","msg":"{}","trace_id":"{}","span_id":"{:016x}","http":{{"method":"{}","path":"{}","status":{}}},"took_ms":{:.3f},"user":"u{}","bytes":{}}})",
        iso_time(out.time_ns), level, app, message, trace_id, dice.roll(), dice.below(4) == 0 ? "POST" : "GET", path,
        status, took_ms, dice.below(150'000), dice.below(50'000));
  } else if (form < 9) {
    out.text = fmt::format(R"(level={} msg="{}" trace_id={} status={} took={:.3f}ms user=u{} path={})", level, message,
                           trace_id, status, took_ms, dice.below(150'000), path);
  } else {
    out.text = fmt::format("{} {} [{}-worker-{}] {} (trace={})", iso_time(out.time_ns), level, app, dice.below(16),
                           message, trace_id);
  }
  ++truth->lines;
  truth->raw_bytes += out.text.size();
  ++truth->lines_by_app[app];
  ++truth->lines_by_level[level];
  if (form < 7 && status >= 500) ++truth->failed_by_app[app];
  truth->rare += rare ? 1 : 0;
  const uint64_t traces = lines_ / kLinesPerTrace + 1;
  if (trace % std::max<uint64_t>(1, traces / kSampledTraces) == 0) ++truth->traces[trace_id];
  return out;
}

}  // namespace cordwood::bench
