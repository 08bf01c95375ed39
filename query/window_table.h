// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "query/logql_ast.h"
#include "query/window_grid.h"

namespace cordwood::query {

/// The samples of all series of a range aggregation, in any order of time, on their way to one value per series and
/// window.
class WindowTable {
 public:
  virtual ~WindowTable() = default;
  /// Samples of several series whose times lie in one cell of the grid; series are numbered from 0, and each comes to
  /// have a sample.  All spans are as long.  Returns the bytes of memory it took beyond what it had.
  virtual uint64_t add(std::span<const uint32_t> series, std::span<const int64_t> times_ns, int64_t cell,
                       std::span<const double> values) = 0;
  uint64_t add(uint32_t series, int64_t time_ns, int64_t cell, double value) {
    return add({&series, 1}, {&time_ns, 1}, cell, {&value, 1});
  }
  virtual uint32_t series_count() const = 0;
  /// The windows of a series that hold a sample, with their values; once for each series.
  virtual std::vector<StepPoint> finish(uint32_t series) = 0;
  /// The value of the only window, if the states of the function keep it at hand.
  virtual std::optional<double> value(uint32_t series) const {
    (void)series;
    return std::nullopt;
  }
};

/// `windows` outlives the table.
std::unique_ptr<WindowTable> make_window_table(const RangeAggregation& aggregation, const WindowGrid& windows);

}  // namespace cordwood::query
