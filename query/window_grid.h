// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "query/step_series.h"

namespace cordwood::query {

/// How samples fall into the windows (t - offset - range, t - offset] of a grid.  The edges of all windows cut time
/// into cells; every window is a run of neighbouring cells, so a sample is counted once, in its cell, however many
/// windows overlap there.
class WindowGrid {
 public:
  WindowGrid(const StepGrid& grid, int64_t range_ns, int64_t offset_ns)
      : origin_ns_(grid.start_ns - offset_ns),
        // With one window only, a step below its range would cut it into cells for nothing.
        step_ns_(grid.count == 1 ? std::max(grid.step_ns, range_ns) : grid.step_ns),
        range_ns_(range_ns),
        steps_per_range_(range_ns / step_ns_),
        count_(grid.count) {}

  /// Times that can lie in any window, half-open.
  TimeRange covered() const {
    const int64_t last_ns = origin_ns_ + step_ns_ * (static_cast<int64_t>(count_) - 1);
    return {origin_ns_ - range_ns_ + 1, last_ns + 1};
  }
  /// Cell of a time within covered(); -1 when no window holds it (the steps are farther apart than the range).
  int64_t cell(int64_t time_ns) const {
    const int64_t after = time_ns - origin_ns_;
    const int64_t first = ceil_div(after, step_ns_);
    const int64_t last = ceil_div(after + range_ns_, step_ns_) - 1;
    if (last < first) return -1;
    return 2 * (first + steps_per_range_) + (last - first - steps_per_range_ + 1);
  }
  /// Times of one cell, around the one it is asked for: (begin, end].
  struct Stretch {
    int64_t cell = -1;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    bool holds(int64_t time_ns) const { return time_ns > begin_ns && time_ns <= end_ns; }
  };
  Stretch stretch(int64_t time_ns) const {
    const int64_t after = time_ns - origin_ns_;
    const int64_t first = ceil_div(after, step_ns_);
    const int64_t last = ceil_div(after + range_ns_, step_ns_) - 1;
    return {cell(time_ns), origin_ns_ + std::max((first - 1) * step_ns_, last * step_ns_ - range_ns_),
            origin_ns_ + std::min(first * step_ns_, (last + 1) * step_ns_ - range_ns_)};
  }
  /// The cells of a step's window, both included.
  int64_t first_cell(uint32_t step) const { return 2 * static_cast<int64_t>(step) + 1; }
  int64_t last_cell(uint32_t step) const { return 2 * (static_cast<int64_t>(step) + steps_per_range_) + 1; }
  int64_t cell_count() const { return 2 * (static_cast<int64_t>(count_) + steps_per_range_) + 2; }
  uint32_t count() const { return count_; }
  /// Window of a step: (begin, end].
  int64_t window_end_ns(uint32_t step) const { return origin_ns_ + step_ns_ * static_cast<int64_t>(step); }
  int64_t window_begin_ns(uint32_t step) const { return window_end_ns(step) - range_ns_; }
  int64_t range_ns() const { return range_ns_; }
  /// Whether every window begins and ends on a multiple of `width_ns`.
  bool edges_are_multiples_of(int64_t width_ns) const {
    return origin_ns_ % width_ns == 0 && range_ns_ % width_ns == 0 && (count_ <= 1 || step_ns_ % width_ns == 0);
  }

 private:
  static int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

  int64_t origin_ns_;
  int64_t step_ns_;
  int64_t range_ns_;
  int64_t steps_per_range_;
  uint32_t count_;
};

}  // namespace cordwood::query
