// SPDX-License-Identifier: Apache-2.0
#include "ingest/unix_time.h"

#include <chrono>

#include "storage/model/time_range.h"

namespace cordwood::ingest {

namespace {

struct Civil {
  int64_t year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int64_t second_of_day = 0;
  int64_t nanos = 0;
};

Civil civil_of(int64_t time_ns) {
  const int64_t seconds = floor_div(time_ns, kNsPerSecond);
  const int64_t days = floor_div(seconds, 86'400);
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  // Differences in unsigned arithmetic: the floor of the earliest times lies below the type's range.
  const auto nanos = static_cast<int64_t>(static_cast<uint64_t>(time_ns) -
                                          static_cast<uint64_t>(seconds) * static_cast<uint64_t>(kNsPerSecond));
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
          seconds - days * 86'400, nanos};
}

/// Exactly `count` digits at text[*at].
bool read_digits(std::string_view text, size_t* at, size_t count, int64_t* out) {
  if (text.size() - *at < count) return false;
  int64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const char c = text[*at + i];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  *at += count;
  *out = value;
  return true;
}

bool read_char(std::string_view text, size_t* at, char c) {
  if (*at >= text.size() || text[*at] != c) return false;
  ++*at;
  return true;
}

bool read_fraction(std::string_view text, size_t* at, int64_t* nanos) {
  if (*at >= text.size() || (text[*at] != '.' && text[*at] != ',')) return true;
  ++*at;
  const size_t start = *at;
  int64_t scale = kNsPerSecond / 10;
  while (*at < text.size() && text[*at] >= '0' && text[*at] <= '9') {
    *nanos += (text[*at] - '0') * scale;
    scale /= 10;
    ++*at;
  }
  return *at > start;
}

bool read_zone(std::string_view text, size_t* at, int64_t* offset_s) {
  if (read_char(text, at, 'Z')) return true;
  if (*at >= text.size() || (text[*at] != '+' && text[*at] != '-')) return false;
  const int64_t sign = text[(*at)++] == '-' ? -1 : 1;
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!read_digits(text, at, 2, &hours) || !read_char(text, at, ':') || !read_digits(text, at, 2, &minutes))
    return false;
  *offset_s = sign * (hours * 3600 + minutes * 60);
  return hours < 24 && minutes < 60;
}

}  // namespace

Result<int64_t> unix_time_ns(int64_t seconds, int64_t nanos) {
  int64_t time_ns = 0;
  if (nanos < 0 || nanos >= kNsPerSecond) {
    return Error::invalid(fmt::format("timestamp: nanos {} not in [0, 1e9)", nanos));
  }
  // Below zero the product alone may leave the range while the sum does not.
  const bool negative = seconds < 0 && nanos > 0;
  if (__builtin_mul_overflow(negative ? seconds + 1 : seconds, kNsPerSecond, &time_ns) ||
      __builtin_add_overflow(time_ns, negative ? nanos - kNsPerSecond : nanos, &time_ns)) {
    return Error::invalid(fmt::format("timestamp: {} seconds do not fit 64-bit nanoseconds", seconds));
  }
  return time_ns;
}

Result<int64_t> parse_rfc3339_ns(std::string_view text) {
  int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, nanos = 0, offset_s = 0;
  size_t at = 0;
  const bool read = read_digits(text, &at, 4, &year) && read_char(text, &at, '-') &&
                    read_digits(text, &at, 2, &month) && read_char(text, &at, '-') && read_digits(text, &at, 2, &day) &&
                    (read_char(text, &at, 'T') || read_char(text, &at, 't')) && read_digits(text, &at, 2, &hour) &&
                    read_char(text, &at, ':') && read_digits(text, &at, 2, &minute) && read_char(text, &at, ':') &&
                    read_digits(text, &at, 2, &second) && read_fraction(text, &at, &nanos) &&
                    read_zone(text, &at, &offset_s) && at == text.size();
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!read || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return Error::invalid(fmt::format("parsing time \"{}\": not an RFC 3339 time", text));
  }
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return unix_time_ns(days * 86'400 + hour * 3600 + minute * 60 + second - offset_s, nanos);
}

std::string format_rfc3339(int64_t time_ns) {
  const Civil t = civil_of(time_ns);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year, t.month, t.day, t.second_of_day / 3600,
                     t.second_of_day / 60 % 60, t.second_of_day % 60);
}

std::string format_go_time(int64_t time_ns) {
  const Civil t = civil_of(time_ns);
  std::string fraction;
  if (t.nanos > 0) {
    fraction = fmt::format(".{:09}", t.nanos);
    fraction.erase(fraction.find_last_not_of('0') + 1);
  }
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} +0000 UTC", t.year, t.month, t.day, t.second_of_day / 3600,
                     t.second_of_day / 60 % 60, t.second_of_day % 60, fraction);
}

}  // namespace cordwood::ingest
