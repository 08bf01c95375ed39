// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "query/go_time.h"
#include "query/number_text.h"
#include "query/template_functions.h"
#include "query/time_zone.h"

/// Functions over points in time, and those that tell of the line at hand.  The local zone is UTC.
namespace cordwood::query {

namespace {

using Args = const TemplateValue*;

bool run_line(TemplateCall* call, Args, size_t, TemplateValue* out) {
  *out = TemplateValue::of_string(call->line);
  return true;
}
bool run_timestamp(TemplateCall* call, Args, size_t, TemplateValue* out) {
  *out = TemplateValue::of_time(GoTime::from_unix_ns(call->time_ns));
  return true;
}
bool run_now(TemplateCall* call, Args, size_t, TemplateValue* out) {
  *out = TemplateValue::of_time(GoTime::from_unix_ns(call->now_ns));
  return true;
}

bool run_date(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  GoTime time = GoTime::from_unix_ns(call->now_ns);
  if (a[1].kind == ValueKind::time) time = a[1].time;
  if (a[1].is_integer()) {
    time = {};
    time.seconds = a[1].integer;
  }
  // Shown in the local zone, whatever zone it came in.
  time.set_zone("UTC", 0);
  return call->give(format_go_time(a[0].string, time), out);
}

TemplateValue zero_time() {
  GoTime zero;
  zero.seconds = kGoZeroTimeSeconds;
  return TemplateValue::of_time(zero);
}

bool run_to_date(TemplateCall*, Args a, size_t, TemplateValue* out) {
  bool has_zone = false;
  const auto time = parse_go_time(a[0].string, a[1].string, &has_zone);
  *out = time.ok() ? TemplateValue::of_time(*time) : zero_time();
  return true;
}

bool run_to_date_in_zone(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  bool has_zone = false;
  const auto time = parse_go_time(a[0].string, a[2].string, &has_zone);
  *out = time.ok() ? TemplateValue::of_time(*time) : zero_time();
  const std::string_view name = a[1].string;
  if (!time.ok() || has_zone || name.empty() || name == "UTC" || name == "Local") return true;
  // An unknown zone counts as UTC.
  const auto zone = TimeZone::parse(call->zones != nullptr && *call->zones ? (*call->zones)(name) : std::string());
  if (zone.ok()) *out = TemplateValue::of_time(zone->from_civil(time->seconds, time->nanos));
  return true;
}

bool run_unix_epoch(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(fmt::format("{}", a[0].time.seconds), out);
}
bool run_unix_millis(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(fmt::format("{}", a[0].time.seconds * 1000 + a[0].time.nanos / 1000000), out);
}
bool run_unix_nanos(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(fmt::format("{}", a[0].time.unix_ns()), out);
}

GoTime from_parts(int64_t count, int64_t per_second) {
  GoTime time;
  time.seconds = count / per_second - (count % per_second < 0 ? 1 : 0);
  time.nanos = static_cast<int32_t>((count - time.seconds * per_second) * (1000000000 / per_second));
  return time;
}

/// The number of digits tells the unit.
bool run_unix_to_time(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  const std::string_view text = a[0].string;
  const auto number = parse_go_int(text, 10);
  if (!number.ok()) {
    return call->fail(fmt::format("unable to parse time '{}': {}", text, number.error().message));
  }
  GoTime time;
  switch (text.size()) {
    case 5: time.seconds = *number * 86400; break;
    case 10: time.seconds = *number; break;
    case 13: time = from_parts(*number, 1000); break;
    case 16: time = from_parts(*number, 1000000); break;
    case 19: time = from_parts(*number, 1000000000); break;
    // The odd end is what Go prints for a missing error.
    default: return call->fail(fmt::format("unable to parse time '{}': %!w(<nil>)", text));
  }
  *out = TemplateValue::of_time(time);
  return true;
}

constexpr ParameterType kTime = ParameterType::time;

constexpr TemplateFunction kTimeFunctions[] = {
    {"__line__", run_line, 0},
    {"__timestamp__", run_timestamp, 0},
    {"now", run_now, 0},
    {"date", run_date, 2, {kStringType, ParameterType::any}},
    {"toDate", run_to_date, 2, {kStringType, kStringType}},
    {"toDateInZone", run_to_date_in_zone, 3, {kStringType, kStringType, kStringType}},
    {"unixEpoch", run_unix_epoch, 1, {kTime}},
    {"unixEpochMillis", run_unix_millis, 1, {kTime}},
    {"unixEpochNanos", run_unix_nanos, 1, {kTime}},
    {"unixToTime", run_unix_to_time, 1, {kStringType}},
};

}  // namespace

TemplateFunctionList time_template_functions() {
  return {kTimeFunctions, std::size(kTimeFunctions)};
}

}  // namespace cordwood::query
