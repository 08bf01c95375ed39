// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cordwood::query {

/// The elements of a Go time layout.
enum class TimeElement : unsigned char {
  none,
  long_month,
  month,
  num_month,
  zero_month,
  long_weekday,
  weekday,
  day,
  underscore_day,
  zero_day,
  underscore_year_day,
  zero_year_day,
  hour,
  hour12,
  zero_hour12,
  minute,
  zero_minute,
  second,
  zero_second,
  long_year,
  year,
  upper_pm,
  lower_pm,
  zone,
  iso8601,
  iso8601_seconds,
  iso8601_short,
  iso8601_colon,
  iso8601_colon_seconds,
  num_zone,
  num_zone_seconds,
  num_zone_short,
  num_zone_colon,
  num_zone_colon_seconds,
  fraction_zeros,
  fraction_nines
};

struct TimeChunk {
  std::string_view prefix;  ///< literal text in front
  TimeElement element = TimeElement::none;
  size_t digits = 0;      ///< of a fraction
  char separator = '.';   ///< of a fraction
  std::string_view rest;  ///< of the layout
};

/// Splits the first element off a layout; `none` when there is no more.
TimeChunk next_time_chunk(std::string_view layout);

inline constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                               "July",    "August",   "September", "October", "November", "December"};
inline constexpr std::string_view kWeekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                 "Thursday", "Friday", "Saturday"};

}  // namespace cordwood::query
