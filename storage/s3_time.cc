// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_time.h"

#include <fmt/core.h>

#include <chrono>

#include "storage/base/ascii.h"
#include "storage/model/time_range.h"

namespace cordwood {

namespace {

constexpr int kYearMin = 1970;
constexpr int kYearMax = 2200;  ///< nanoseconds end in 2262

/// Exactly `digits` digits at the front of `*text`.
std::optional<int> take_number(std::string_view* text, size_t digits) {
  if (text->size() < digits) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = (*text)[i];
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text->remove_prefix(digits);
  return value;
}

bool take_text(std::string_view* text, std::string_view what) {
  if (!text->starts_with(what)) return false;
  text->remove_prefix(what.size());
  return true;
}

struct Fields {
  std::optional<int> year, month, day, hour, minute, second;
};

bool take_clock(std::string_view* text, Fields* f) {
  f->hour = take_number(text, 2);
  if (!take_text(text, ":")) return false;
  f->minute = take_number(text, 2);
  if (!take_text(text, ":")) return false;
  f->second = take_number(text, 2);
  return true;
}

std::optional<int64_t> unix_ns_of(const Fields& f) {
  if (!f.year || !f.month || !f.day || !f.hour || !f.minute || !f.second) return std::nullopt;
  if (*f.year < kYearMin || *f.year > kYearMax || *f.hour > 23 || *f.minute > 59 || *f.second > 60) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*f.year),
                                         std::chrono::month(static_cast<unsigned>(*f.month)),
                                         std::chrono::day(static_cast<unsigned>(*f.day)));
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (days * 86400 + *f.hour * 3600 + *f.minute * 60 + *f.second) * kNsPerSecond;
}

}  // namespace

std::string print_amz_time(int64_t unix_ns) {
  const int64_t seconds = unix_ns >= 0 ? unix_ns / kNsPerSecond : 0;
  const std::chrono::sys_days day{std::chrono::days(seconds / 86400)};
  const std::chrono::year_month_day date(day);
  const int64_t clock = seconds % 86400;
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock / 3600,
                     clock / 60 % 60, clock % 60);
}

std::optional<int64_t> parse_iso_time(std::string_view text) {
  Fields f;
  f.year = take_number(&text, 4);
  if (!take_text(&text, "-")) return std::nullopt;
  f.month = take_number(&text, 2);
  if (!take_text(&text, "-")) return std::nullopt;
  f.day = take_number(&text, 2);
  if (!take_text(&text, "T") || !take_clock(&text, &f)) return std::nullopt;
  if (take_text(&text, ".")) text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  if (text != "Z" && text != "+00:00") return std::nullopt;
  return unix_ns_of(f);
}

std::optional<int64_t> parse_http_time(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const size_t comma = text.find(", ");
  if (comma == std::string_view::npos) return std::nullopt;
  text.remove_prefix(comma + 2);
  Fields f;
  f.day = take_number(&text, 2);
  if (!take_text(&text, " ") || text.size() < 3) return std::nullopt;
  const size_t month = kMonths.find(text.substr(0, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  f.month = static_cast<int>(month / 3) + 1;
  text.remove_prefix(3);
  if (!take_text(&text, " ")) return std::nullopt;
  f.year = take_number(&text, 4);
  if (!take_text(&text, " ") || !take_clock(&text, &f) || text != " GMT") return std::nullopt;
  return unix_ns_of(f);
}

}  // namespace cordwood
