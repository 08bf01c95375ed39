// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

/// Points in time as Go's time package formats and parses them.
namespace cordwood::query {

struct GoTime {
  int64_t seconds = 0;  ///< since 1970 UTC
  int32_t nanos = 0;    ///< [0, 1e9)
  int32_t offset_seconds = 0;
  std::array<char, 8> zone = {'U', 'T', 'C'};  ///< abbreviation, ends at the first 0; empty: print the offset

  std::string_view zone_name() const;
  void set_zone(std::string_view name, int32_t offset);
  static GoTime from_unix_ns(int64_t ns);
  /// Nanoseconds since 1970; wraps as Go's UnixNano does.
  int64_t unix_ns() const;
};

/// The zero time of Go: year 1, UTC.
constexpr int64_t kGoZeroTimeSeconds = -62135596800;

struct CivilTime {
  int64_t year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0;
  int weekday = 4;   ///< 0 = Sunday
  int year_day = 1;  ///< from 1
};
CivilTime civil_time(const GoTime& time);
/// Seconds since 1970 of a civil time in UTC.
int64_t unix_seconds(const CivilTime& civil);

/// Time.Format with a Go layout (`2006-01-02T15:04:05.000Z07:00`).
std::string format_go_time(std::string_view layout, const GoTime& time);
/// Time.String(): `2026-11-19 00:00:22.854790731 +0000 UTC`.
std::string go_time_to_string(const GoTime& time);
/// time.Parse for a text without zone in UTC.  `*has_zone` tells whether the text named an offset.
Result<GoTime> parse_go_time(std::string_view layout, std::string_view text, bool* has_zone);

}  // namespace cordwood::query
