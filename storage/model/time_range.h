// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace cordwood {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;
inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kNsPerDay = 86'400 * kNsPerSecond;

/// Half-open: [start_ns, end_ns).
struct TimeRange {
  int64_t start_ns = 0;
  int64_t end_ns = 0;

  static constexpr TimeRange all() {
    return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
  constexpr bool empty() const { return start_ns >= end_ns; }
  constexpr bool contains(int64_t t) const { return t >= start_ns && t < end_ns; }
  /// Whether any time in the closed interval [min_ns, max_ns] lies in the range.
  constexpr bool overlaps_closed(int64_t min_ns, int64_t max_ns) const { return min_ns < end_ns && max_ns >= start_ns; }
  bool operator==(const TimeRange&) const = default;
};

constexpr int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
}

/// Number of the UTC day a time falls in; before 1970 too.
constexpr int32_t day_of(int64_t time_ns) {
  return static_cast<int32_t>(floor_div(time_ns, kNsPerDay));
}

}  // namespace cordwood
