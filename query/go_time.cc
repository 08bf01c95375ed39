// SPDX-License-Identifier: Apache-2.0
#include "query/go_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "query/go_time_layout.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

constexpr int64_t kNanosPerSecond = 1000000000;
constexpr int64_t kSecondsPerDay = 86400;

/// Days since 1970 of a proleptic Gregorian date (the era algorithm: years start in March).
int64_t days_from_civil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void append_zone_offset(int32_t offset, TimeElement element, std::string* out) {
  const bool colon = element == TimeElement::iso8601_colon || element == TimeElement::num_zone_colon ||
                     element == TimeElement::iso8601_colon_seconds || element == TimeElement::num_zone_colon_seconds;
  const bool brief = element == TimeElement::iso8601_short || element == TimeElement::num_zone_short;
  const bool seconds = element == TimeElement::iso8601_seconds || element == TimeElement::iso8601_colon_seconds ||
                       element == TimeElement::num_zone_seconds || element == TimeElement::num_zone_colon_seconds;
  const int32_t value = std::abs(offset);
  fmt::format_to(std::back_inserter(*out), "{}{:02}", offset < 0 ? '-' : '+', value / 3600);
  if (brief) return;
  fmt::format_to(std::back_inserter(*out), "{}{:02}", colon ? ":" : "", value / 60 % 60);
  if (seconds) fmt::format_to(std::back_inserter(*out), "{}{:02}", colon ? ":" : "", value % 60);
}

void append_fraction(const TimeChunk& chunk, int32_t nanos, std::string* out) {
  std::string digits = fmt::format("{:09}", nanos);
  digits.resize(std::min<size_t>(chunk.digits, 9));
  digits.append(chunk.digits - digits.size(), '0');
  if (chunk.element == TimeElement::fraction_nines) {
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    if (digits.empty()) return;
  }
  *out += chunk.separator;
  *out += digits;
}

void append_zone(const TimeChunk& chunk, const GoTime& time, std::string* out) {
  const bool iso = chunk.element >= TimeElement::iso8601 && chunk.element <= TimeElement::iso8601_colon_seconds;
  if (iso && time.offset_seconds == 0) {
    *out += 'Z';
  } else if (chunk.element != TimeElement::zone) {
    append_zone_offset(time.offset_seconds, chunk.element, out);
  } else if (!time.zone_name().empty()) {
    *out += time.zone_name();
  } else {
    append_zone_offset(time.offset_seconds,
                       time.offset_seconds % 3600 == 0 ? TimeElement::num_zone_short : TimeElement::num_zone, out);
  }
}

void append_element(const TimeChunk& chunk, const GoTime& time, const CivilTime& civil, std::string* out) {
  const auto put = [out](size_t width, char fill, int64_t value) {
    const std::string digits = fmt::format("{}", value);
    if (digits.size() < width) out->append(width - digits.size(), fill);
    *out += digits;
  };
  const int hour12 = civil.hour % 12 == 0 ? 12 : civil.hour % 12;
  switch (chunk.element) {
    case TimeElement::none: return;
    case TimeElement::long_month: *out += kMonths[civil.month - 1]; return;
    case TimeElement::month: *out += kMonths[civil.month - 1].substr(0, 3); return;
    case TimeElement::num_month: return put(0, '0', civil.month);
    case TimeElement::zero_month: return put(2, '0', civil.month);
    case TimeElement::long_weekday: *out += kWeekdays[civil.weekday]; return;
    case TimeElement::weekday: *out += kWeekdays[civil.weekday].substr(0, 3); return;
    case TimeElement::day: return put(0, '0', civil.day);
    case TimeElement::underscore_day: return put(2, ' ', civil.day);
    case TimeElement::zero_day: return put(2, '0', civil.day);
    case TimeElement::underscore_year_day: return put(3, ' ', civil.year_day);
    case TimeElement::zero_year_day: return put(3, '0', civil.year_day);
    case TimeElement::hour: return put(2, '0', civil.hour);
    case TimeElement::hour12: return put(0, '0', hour12);
    case TimeElement::zero_hour12: return put(2, '0', hour12);
    case TimeElement::minute: return put(0, '0', civil.minute);
    case TimeElement::zero_minute: return put(2, '0', civil.minute);
    case TimeElement::second: return put(0, '0', civil.second);
    case TimeElement::zero_second: return put(2, '0', civil.second);
    case TimeElement::long_year: return put(4, '0', civil.year);
    case TimeElement::year: return put(2, '0', std::abs(civil.year) % 100);
    case TimeElement::upper_pm: *out += civil.hour >= 12 ? "PM" : "AM"; return;
    case TimeElement::lower_pm: *out += civil.hour >= 12 ? "pm" : "am"; return;
    case TimeElement::fraction_zeros:
    case TimeElement::fraction_nines: return append_fraction(chunk, time.nanos, out);
    default: return append_zone(chunk, time, out);
  }
}

}  // namespace

std::string_view GoTime::zone_name() const {
  return {zone.data(), strnlen(zone.data(), zone.size())};
}

void GoTime::set_zone(std::string_view name, int32_t offset) {
  zone = {};
  std::copy_n(name.data(), std::min(name.size(), zone.size()), zone.data());
  offset_seconds = offset;
}

GoTime GoTime::from_unix_ns(int64_t ns) {
  GoTime time;
  time.seconds = ns / kNanosPerSecond;
  time.nanos = static_cast<int32_t>(ns % kNanosPerSecond);
  if (time.nanos < 0) {
    time.nanos += static_cast<int32_t>(kNanosPerSecond);
    --time.seconds;
  }
  return time;
}

int64_t GoTime::unix_ns() const {
  return static_cast<int64_t>(static_cast<uint64_t>(seconds) * static_cast<uint64_t>(kNanosPerSecond) +
                              static_cast<uint64_t>(nanos));
}

CivilTime civil_time(const GoTime& time) {
  const int64_t local = time.seconds + time.offset_seconds;
  int64_t days = local / kSecondsPerDay;
  int64_t rest = local % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  CivilTime civil;
  civil.hour = static_cast<int>(rest / 3600);
  civil.minute = static_cast<int>(rest / 60 % 60);
  civil.second = static_cast<int>(rest % 60);
  civil.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  const int64_t shifted = days + 719468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const int64_t day_of_era = shifted - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto month_from_march = static_cast<int>((5 * day_of_year + 2) / 153);
  civil.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  civil.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.year_day = static_cast<int>(days - days_from_civil(civil.year, 1, 1)) + 1;
  return civil;
}

int64_t unix_seconds(const CivilTime& civil) {
  return days_from_civil(civil.year, civil.month, civil.day) * kSecondsPerDay + civil.hour * 3600 + civil.minute * 60 +
         civil.second;
}

std::string format_go_time(std::string_view layout, const GoTime& time) {
  const CivilTime civil = civil_time(time);
  std::string out;
  while (!layout.empty()) {
    const TimeChunk chunk = next_time_chunk(layout);
    out += chunk.prefix;
    append_element(chunk, time, civil, &out);
    layout = chunk.rest;
  }
  return out;
}

std::string go_time_to_string(const GoTime& time) {
  return format_go_time("2006-01-02 15:04:05.999999999 -0700 MST", time);
}

}  // namespace cordwood::query
