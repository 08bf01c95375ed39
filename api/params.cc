// SPDX-License-Identifier: Apache-2.0
#include "api/params.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "api/durations.h"
#include "api/url.h"
#include "storage/model/labels.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

constexpr int64_t kDefaultSince_ns = 3600 * kNsPerSecond;
constexpr int64_t kMaxPoints = 11'000;
constexpr int64_t kDefaultPoints = 250;

/// Go's strconv.ParseInt / Atoi of a decimal.
Result<int64_t> parse_integer(std::string_view text, std::string_view function) {
  std::string_view digits = text;
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size() && (digits.size() == text.size() || digits.find('-') != 0);
  const char* problem = nullptr;
  if (!whole || ec == std::errc::invalid_argument) {
    problem = "invalid syntax";
  } else if (ec == std::errc::result_out_of_range) {
    problem = "value out of range";
  }
  if (problem == nullptr) return value;
  return Error::invalid("strconv." + std::string(function) + ": parsing " + go_quoted(text) + ": " + problem);
}

std::optional<double> parse_float(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Reads exactly `count` digits.
bool take_digits(std::string_view* text, size_t count, int* out) {
  if (text->size() < count) return false;
  *out = 0;
  for (size_t i = 0; i < count; ++i) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return false;
    *out = *out * 10 + (c - '0');
  }
  text->remove_prefix(count);
  return true;
}
bool take_char(std::string_view* text, std::string_view any_of) {
  if (text->empty() || any_of.find(text->front()) == std::string_view::npos) return false;
  text->remove_prefix(1);
  return true;
}

int64_t days_from_civil(int year, int month, int day) {
  const int64_t y = year - (month <= 2 ? 1 : 0);
  const int64_t era = floor_div(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  int year, month, day, hour, minute, second;
  const bool parsed = take_digits(&text, 4, &year) && take_char(&text, "-") && take_digits(&text, 2, &month) &&
                      take_char(&text, "-") && take_digits(&text, 2, &day) && take_char(&text, "T") &&
                      take_digits(&text, 2, &hour) && take_char(&text, ":") && take_digits(&text, 2, &minute) &&
                      take_char(&text, ":") && take_digits(&text, 2, &second);
  static constexpr int kMonthDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (!parsed || month < 1 || month > 12 || day < 1 || day > kMonthDays[month - 1]) return std::nullopt;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (hour > 23 || minute > 59 || second > 59 || (month == 2 && day == 29 && !leap)) return std::nullopt;
  int64_t fraction_ns = 0;
  if (take_char(&text, ".,")) {
    int64_t unit = kNsPerSecond;
    size_t digits = 0;
    for (int digit = 0; take_digits(&text, 1, &digit); ++digits) {
      unit /= 10;
      fraction_ns += digit * unit;
    }
    if (digits == 0) return std::nullopt;
  }
  int64_t offset_s = 0;
  if (!take_char(&text, "Z")) {
    const bool negative = !text.empty() && text.front() == '-';
    int hours, minutes;
    if (!take_char(&text, "+-") || !take_digits(&text, 2, &hours) || !take_char(&text, ":") ||
        !take_digits(&text, 2, &minutes) || hours > 23 || minutes > 59) {
      return std::nullopt;
    }
    offset_s = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
  }
  if (!text.empty()) return std::nullopt;
  const int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_s;
  int64_t ns;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns) || __builtin_add_overflow(ns, fraction_ns, &ns)) {
    return std::nullopt;
  }
  return ns;
}

Result<int64_t> parse_seconds_or_duration(std::string_view text) {
  if (const auto seconds = parse_float(text)) {
    const double ns = *seconds * static_cast<double>(kNsPerSecond);
    if (!(ns <= 9.2233720368547e18 && ns >= -9.2233720368547e18)) {
      return Error::invalid("cannot parse " + go_quoted(text) + " to a valid duration. It overflows int64");
    }
    return static_cast<int64_t>(ns);
  }
  auto duration = parse_prometheus_duration(text);
  if (duration.ok()) return duration;
  return Error::invalid("cannot parse " + go_quoted(text) + " to a valid duration");
}

Result<int64_t> time_or(std::string_view text, std::string_view name, int64_t missing) {
  if (text.empty()) return missing;
  auto time = parse_time(text);
  if (time.ok()) return time;
  return Error::invalid("could not parse '" + std::string(name) + "' parameter: " + time.error().message);
}

int64_t saturating_subtract(int64_t a, int64_t b) {
  int64_t out;
  if (!__builtin_sub_overflow(a, b, &out)) return out;
  return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

}  // namespace

Result<Params> Params::parse(const HttpRequest& request) {
  std::vector<std::pair<std::string, std::string>> values;
  std::string_view type = request.headers.get("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (request.method == "POST" && equal_without_case(type, "application/x-www-form-urlencoded")) {
    TRY_ASSIGN(values, parse_form(request.body));
  }
  TRY_ASSIGN(auto from_url, parse_form(request.query));
  for (auto& value : from_url) values.push_back(std::move(value));
  return Params(std::move(values));
}

std::string_view Params::get(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string> Params::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : values_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

Result<int64_t> parse_time(std::string_view text) {
  if (text.find('.') != std::string_view::npos) {
    const auto seconds = parse_float(text);
    if (seconds && std::fabs(*seconds) < 9.2e9) {
      double whole = 0;
      const double fraction = std::modf(*seconds, &whole);
      const double ms = std::round(fraction * 1000);
      return static_cast<int64_t>(whole) * kNsPerSecond + static_cast<int64_t>(ms) * kNsPerMs;
    }
  }
  auto number = parse_integer(text, "ParseInt");
  if (!number.ok()) {
    if (const auto time = parse_rfc3339(text)) return *time;
    return number;
  }
  if (text.size() > 10) return number;
  int64_t ns;
  if (__builtin_mul_overflow(*number, kNsPerSecond, &ns)) {
    return Error::invalid("strconv.ParseInt: parsing " + go_quoted(text) + ": value out of range");
  }
  return ns;
}

Result<TimeBounds> parse_bounds(const Params& params, int64_t now_ns) {
  int64_t since_ns = kDefaultSince_ns;
  if (const auto text = params.get("since"); !text.empty()) {
    auto since = parse_prometheus_duration(text);
    if (!since.ok()) return Error::invalid("could not parse 'since' parameter: " + since.error().message);
    since_ns = *since;
  }
  TimeBounds bounds;
  TRY_ASSIGN(bounds.end_ns, time_or(params.get("end"), "end", now_ns));
  const int64_t newest_ns = std::min(bounds.end_ns, now_ns);
  TRY_ASSIGN(bounds.start_ns, time_or(params.get("start"), "start", saturating_subtract(newest_ns, since_ns)));
  return bounds;
}

Result<TimeBounds> parse_ordered_bounds(const Params& params, int64_t now_ns) {
  TRY_ASSIGN(const TimeBounds bounds, parse_bounds(params, now_ns));
  if (bounds.end_ns < bounds.start_ns) return Error::invalid("end timestamp must not be before or equal to start time");
  return bounds;
}

Result<int64_t> parse_instant(const Params& params, int64_t now_ns) {
  const auto text = params.get("time");
  if (text.empty()) return now_ns;
  return parse_time(text);
}

Result<uint32_t> parse_limit(const Params& params, std::string_view name, uint32_t missing) {
  const auto text = params.get(name);
  if (text.empty()) return missing;
  TRY_ASSIGN(const int64_t limit, parse_integer(text, "Atoi"));
  if (limit <= 0) return Error::invalid("limit must be a positive value");
  if (limit > std::numeric_limits<uint32_t>::max()) {
    return Error::invalid("limit value " + std::to_string(limit) + " is out of range [0, 4294967295]");
  }
  return static_cast<uint32_t>(limit);
}

Result<int64_t> parse_whole_number(const Params& params, std::string_view name, int64_t missing) {
  const auto text = params.get(name);
  if (text.empty()) return missing;
  return parse_integer(text, "Atoi");
}

Result<bool> parse_forward(const Params& params) {
  const auto text = params.get("direction");
  if (text.empty() || equal_without_case(text, "backward")) return false;
  if (equal_without_case(text, "forward")) return true;
  return Error::invalid("invalid direction '" + std::string(text) + "'");
}

Result<int64_t> parse_step(const Params& params, TimeBounds bounds) {
  const int64_t range_ns = saturating_subtract(bounds.end_ns, bounds.start_ns);
  int64_t step_ns = std::max<int64_t>(range_ns / kNsPerSecond / kDefaultPoints, 1) * kNsPerSecond;
  if (const auto text = params.get("step"); !text.empty()) {
    TRY_ASSIGN(step_ns, parse_seconds_or_duration(text));
  }
  if (step_ns <= 0) {
    return Error::invalid("zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (range_ns / step_ns > kMaxPoints) {
    return Error::invalid(
        "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
  }
  return std::max<int64_t>(step_ns / kNsPerMs, 1) * kNsPerMs;
}

Result<int64_t> parse_interval(const Params& params) {
  const auto text = params.get("interval");
  if (text.empty()) return int64_t{0};
  TRY_ASSIGN(const int64_t interval_ns, parse_seconds_or_duration(text));
  if (interval_ns < 0) return Error::invalid("interval must be >= 0");
  return interval_ns;
}

}  // namespace cordwood::api
