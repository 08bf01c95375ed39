// SPDX-License-Identifier: Apache-2.0
#include "query/duration_text.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

constexpr uint64_t kMicrosecond = 1000;
constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
constexpr uint64_t kSecond = 1000 * kMillisecond;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 60 * kMinute;
constexpr uint64_t kDay = 24 * kHour;
constexpr uint64_t kMaxDuration = uint64_t{1} << 63;

uint64_t go_unit(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs") return kMicrosecond;
  if (unit == "ms") return kMillisecond;
  if (unit == "s") return kSecond;
  if (unit == "m") return kMinute;
  if (unit == "h") return kHour;
  return 0;
}

enum class GoFailure : unsigned char { none, invalid, missing_unit, unknown_unit };
struct GoParse {
  int64_t ns = 0;
  GoFailure failure = GoFailure::none;
  std::string_view unit;
};

/// Reads digits; false on overflow.
bool take_integer(std::string_view* text, uint64_t* value) {
  size_t i = 0;
  for (; i < text->size() && is_digit((*text)[i]); ++i) {
    if (*value > kMaxDuration / 10) return false;
    *value = *value * 10 + static_cast<uint64_t>((*text)[i] - '0');
    if (*value > kMaxDuration) return false;
  }
  text->remove_prefix(i);
  return true;
}

/// Digits after the point; those that cannot matter are skipped.
void take_fraction(std::string_view* text, uint64_t* fraction, double* scale) {
  bool overflow = false;
  size_t i = 0;
  for (; i < text->size() && is_digit((*text)[i]); ++i) {
    if (overflow) continue;
    const auto digit = static_cast<uint64_t>((*text)[i] - '0');
    if (*fraction > (kMaxDuration - 1) / 10 || *fraction * 10 + digit > kMaxDuration) {
      overflow = true;
      continue;
    }
    *fraction = *fraction * 10 + digit;
    *scale *= 10;
  }
  text->remove_prefix(i);
}

/// One `12.5ms` of a Go duration, added to *total.
GoFailure take_go_part(std::string_view* rest, uint64_t* total, std::string_view* unit_text) {
  if ((*rest)[0] != '.' && !is_digit((*rest)[0])) return GoFailure::invalid;
  uint64_t value = 0;
  uint64_t fraction = 0;
  double scale = 1;
  const size_t before = rest->size();
  if (!take_integer(rest, &value)) return GoFailure::invalid;
  bool digits = rest->size() != before;
  if (!rest->empty() && (*rest)[0] == '.') {
    rest->remove_prefix(1);
    const size_t at_fraction = rest->size();
    take_fraction(rest, &fraction, &scale);
    digits = digits || rest->size() != at_fraction;
  }
  if (!digits) return GoFailure::invalid;
  size_t length = 0;
  while (length < rest->size() && (*rest)[length] != '.' && !is_digit((*rest)[length])) ++length;
  if (length == 0) return GoFailure::missing_unit;
  *unit_text = rest->substr(0, length);
  rest->remove_prefix(length);
  const uint64_t unit = go_unit(*unit_text);
  if (unit == 0) return GoFailure::unknown_unit;
  if (value > kMaxDuration / unit) return GoFailure::invalid;
  value *= unit;
  if (fraction > 0) {
    value += static_cast<uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit) / scale));
    if (value > kMaxDuration) return GoFailure::invalid;
  }
  *total += value;
  return *total > kMaxDuration ? GoFailure::invalid : GoFailure::none;
}

GoParse parse_go(std::string_view text) {
  GoParse result;
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest == "0") return result;
  if (rest.empty()) result.failure = GoFailure::invalid;
  uint64_t total = 0;
  while (!rest.empty() && result.failure == GoFailure::none) {
    result.failure = take_go_part(&rest, &total, &result.unit);
  }
  if (result.failure != GoFailure::none) return result;
  if (!negative && total > kMaxDuration - 1) {
    result.failure = GoFailure::invalid;
    return result;
  }
  result.ns = negative ? static_cast<int64_t>(0 - total) : static_cast<int64_t>(total);
  return result;
}

struct PrometheusUnit {
  std::string_view name;
  uint64_t ns;
};
/// From the largest to the smallest, the order in which a text must name them.
constexpr std::array<PrometheusUnit, 7> kPrometheusUnits = {{{"y", 365 * kDay},
                                                             {"w", 7 * kDay},
                                                             {"d", kDay},
                                                             {"h", kHour},
                                                             {"m", kMinute},
                                                             {"s", kSecond},
                                                             {"ms", kMillisecond}}};

void append_fraction(uint64_t* value, int digits, std::string* out) {
  std::string reversed;
  bool printed = false;
  for (int i = 0; i < digits; ++i) {
    const auto digit = static_cast<char>('0' + *value % 10);
    printed = printed || digit != '0';
    if (printed) reversed += digit;
    *value /= 10;
  }
  *out = fmt::format("{}", *value);
  if (printed) {
    *out += '.';
    out->append(reversed.rbegin(), reversed.rend());
  }
}

}  // namespace

bool try_parse_go_duration(std::string_view text, int64_t* out_ns) {
  const GoParse parsed = parse_go(text);
  *out_ns = parsed.ns;
  return parsed.failure == GoFailure::none;
}

Result<int64_t> parse_go_duration(std::string_view text) {
  const GoParse parsed = parse_go(text);
  switch (parsed.failure) {
    case GoFailure::none: return parsed.ns;
    case GoFailure::invalid: return Error::invalid(fmt::format("time: invalid duration {}", go_quoted(text)));
    case GoFailure::missing_unit:
      return Error::invalid(fmt::format("time: missing unit in duration {}", go_quoted(text)));
    case GoFailure::unknown_unit:
      return Error::invalid(
          fmt::format("time: unknown unit {} in duration {}", go_quoted(parsed.unit), go_quoted(text)));
  }
  return parsed.ns;
}

Result<int64_t> parse_prometheus_duration(std::string_view text) {
  if (text == "0") return int64_t{0};
  if (text.empty()) return Error::invalid("empty duration string");
  const auto invalid = [&] { return Error::invalid(fmt::format("not a valid duration string: {}", go_quoted(text))); };
  std::string_view rest = text;
  uint64_t total = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    if (!is_digit(rest[0])) return invalid();
    uint64_t value = 0;
    size_t i = 0;
    for (; i < rest.size() && is_digit(rest[i]); ++i) {
      if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<uint64_t>(rest[i] - '0'), &value)) {
        return invalid();
      }
    }
    rest.remove_prefix(i);
    size_t length = 0;
    while (length < rest.size() && !is_digit(rest[length])) ++length;
    if (length == 0) return invalid();
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    size_t unit = 0;
    while (unit < kPrometheusUnits.size() && kPrometheusUnits[unit].name != name) ++unit;
    if (unit == kPrometheusUnits.size()) {
      return Error::invalid(fmt::format("unknown unit {} in duration {}", go_quoted(name), go_quoted(text)));
    }
    if (unit < next_unit) return invalid();
    next_unit = unit + 1;
    const uint64_t unit_ns = kPrometheusUnits[unit].ns;
    if (value > kMaxDuration / unit_ns) return Error::invalid("duration out of range");
    total += value * unit_ns;
    if (total >= kMaxDuration) return Error::invalid("duration out of range");
  }
  return static_cast<int64_t>(total);
}

std::string format_go_duration(int64_t ns) {
  if (ns == 0) return "0s";
  const bool negative = ns < 0;
  uint64_t value = negative ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  std::string text;
  if (value < kMicrosecond) {
    text = fmt::format("{}ns", value);
  } else if (value < kMillisecond) {
    append_fraction(&value, 3, &text);
    text += "\u00b5s";
  } else if (value < kSecond) {
    append_fraction(&value, 6, &text);
    text += "ms";
  } else {
    uint64_t seconds_part = value % kMinute;
    append_fraction(&seconds_part, 9, &text);
    text += 's';
    const uint64_t minutes = value / kMinute;
    if (minutes > 0) text.insert(0, fmt::format("{}m", minutes % 60));
    if (minutes >= 60) text.insert(0, fmt::format("{}h", minutes / 60));
  }
  return negative ? "-" + text : text;
}

std::string format_prometheus_duration(int64_t ns) {
  uint64_t ms = (ns < 0 ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns)) / kMillisecond;
  if (ms == 0) return "0s";
  std::string out = ns < 0 ? "-" : "";
  for (const PrometheusUnit& unit : kPrometheusUnits) {
    const uint64_t unit_ms = unit.ns / kMillisecond;
    // Years and weeks are used only when nothing is left over.
    const bool exact = unit.name == "y" || unit.name == "w";
    if (ms < unit_ms || (exact && ms % unit_ms != 0)) continue;
    out += fmt::format("{}{}", ms / unit_ms, unit.name);
    ms %= unit_ms;
  }
  return out;
}

}  // namespace cordwood::query
