// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "query/window_grid.h"
#include "query/window_state.h"

namespace cordwood::query {

/// One state for each cell that has samples.
template <typename State>
class CellTable {
 public:
  struct Cell {
    int64_t cell;
    State state;
  };
  /// `cell_count` bounds the cells that add() names.
  explicit CellTable(int64_t cell_count) : cell_count_(cell_count) {}

  /// Returns the bytes of memory it took beyond what it had.
  uint64_t add(int64_t time_ns, int64_t cell, double value) {
    const uint32_t known = find(cell);
    if (known != kNoSlot) return add_to(&cells_[known].state, time_ns, value);
    if (slots_.empty() && cells_.size() >= compact_at_) {
      compact();
      const uint64_t grown = address();
      return grown + add(time_ns, cell, value);
    }
    const size_t capacity = cells_.capacity();
    if (!slots_.empty()) slots_[static_cast<size_t>(cell)] = static_cast<uint32_t>(cells_.size());
    cells_.push_back({cell, {}});
    const uint64_t grown = add_to(&cells_.back().state, time_ns, value);
    return grown + (cells_.capacity() - capacity) * sizeof(Cell);
  }
  /// Sorts by cell and merges cells that came in several stretches.
  const std::vector<Cell>& sorted() {
    compact();
    return cells_;
  }

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  static uint64_t add_to(State* state, int64_t time_ns, double value) {
    if constexpr (requires { state->memory_bytes(); }) {
      const uint64_t before = state->memory_bytes();
      state->add(time_ns, value);
      return state->memory_bytes() - before;
    } else {
      state->add(time_ns, value);
      return 0;
    }
  }

  uint32_t find(int64_t cell) const {
    if (!slots_.empty()) return slots_[static_cast<size_t>(cell)];
    return !cells_.empty() && cells_.back().cell == cell ? static_cast<uint32_t>(cells_.size() - 1) : kNoSlot;
  }

  /// Samples jump to and fro between cells: from now on each is found by its number, if there are not too many.
  uint64_t address() {
    if (cell_count_ > kMostAddressed) return 0;
    slots_.assign(static_cast<size_t>(cell_count_), kNoSlot);
    for (size_t i = 0; i < cells_.size(); ++i) slots_[static_cast<size_t>(cells_[i].cell)] = static_cast<uint32_t>(i);
    return slots_.size() * sizeof(uint32_t);
  }

  void compact() {
    std::stable_sort(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) { return a.cell < b.cell; });
    size_t kept = 0;
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (kept > 0 && cells_[kept - 1].cell == cells_[i].cell) {
        cells_[kept - 1].state.merge(cells_[i].state);
      } else if (kept == i) {
        ++kept;
      } else {
        cells_[kept++] = std::move(cells_[i]);
      }
    }
    cells_.resize(kept);
    compact_at_ = std::max<size_t>(kCompactFloor, 2 * kept);
  }

  static constexpr size_t kCompactFloor = 1024;
  static constexpr int64_t kMostAddressed = 1 << 16;
  int64_t cell_count_;
  std::vector<uint32_t> slots_;  ///< by cell: where it is in cells_; empty until samples jump
  std::vector<Cell> cells_;
  size_t compact_at_ = kCompactFloor;
};

/// The samples of one series, in any order of time, on their way to one value per window: for functions whose states
/// merge.  Each window costs O(1) merges, by the two-stack method: merged suffixes of the
/// older cells and one running state of the newer ones.
template <typename State>
class CellSeries {
 public:
  explicit CellSeries(int64_t cell_count) : table_(cell_count) {}

  /// Returns the bytes of memory it took beyond what it had.
  uint64_t add(int64_t time_ns, int64_t cell, double value) { return table_.add(time_ns, cell, value); }

  /// The windows that hold a sample, with their values.
  std::vector<StepPoint> finish(const WindowGrid& grid) {
    const std::vector<Cell>& cells = table_.sorted();
    std::vector<StepPoint> points;
    std::vector<State> suffix;  // suffix[i]: cells [left + i, middle) merged, read from the back
    size_t left = 0, middle = 0, right = 0;
    State newer;
    uint32_t step = 0;
    while (step < grid.count() && left < cells.size()) {
      // Steps whose window lies before the next cell are passed over at once.
      if (left == right) step = std::max(step, first_step(grid, cells[left].cell));
      if (step >= grid.count()) break;
      const int64_t last_cell = grid.last_cell(step);
      const int64_t first_cell = grid.first_cell(step);
      for (; right < cells.size() && cells[right].cell <= last_cell; ++right) {
        if (right == middle) {
          newer = cells[right].state;
        } else {
          newer.merge(cells[right].state);
        }
      }
      for (; left < right && cells[left].cell < first_cell; ++left) {
        if (left < middle) {
          suffix.pop_back();
          continue;
        }
        flip(cells, left, right, &suffix);
        middle = right;
        suffix.pop_back();
      }
      if (left < right) points.push_back({step, window(left, middle, right, suffix, newer).result()});
      ++step;
    }
    return points;
  }

 private:
  using Cell = typename CellTable<State>::Cell;

  static uint32_t first_step(const WindowGrid& grid, int64_t cell) {
    const int64_t steps = (cell - grid.last_cell(0) + 1) / 2;
    return steps <= 0 ? 0 : static_cast<uint32_t>(steps);
  }

  static void flip(const std::vector<Cell>& cells, size_t left, size_t right, std::vector<State>* suffix) {
    suffix->clear();
    for (size_t i = right; i-- > left;) {
      State merged = cells[i].state;
      if (!suffix->empty()) merged.merge(suffix->back());
      suffix->push_back(merged);
    }
  }

  static State window(size_t left, size_t middle, size_t right, const std::vector<State>& suffix, const State& newer) {
    if (left >= middle) return newer;
    State state = suffix.back();
    if (right > middle) state.merge(newer);
    return state;
  }

  CellTable<State> table_;
};

/// All values of a cell: their order does not matter.
struct ValueList {
  std::vector<double> values;
  void add(int64_t, double value) { values.push_back(value); }
  void merge(const ValueList& later) { values.insert(values.end(), later.values.begin(), later.values.end()); }
  uint64_t memory_bytes() const { return values.capacity() * sizeof(double); }
};

/// The same as CellSeries for quantiles.
class QuantileSeries {
 public:
  QuantileSeries(double quantile, int64_t cell_count) : quantile_(quantile), table_(cell_count) {}
  uint64_t add(int64_t time_ns, int64_t cell, double value) { return table_.add(time_ns, cell, value); }
  std::vector<StepPoint> finish(const WindowGrid& grid);

 private:
  double quantile_;
  CellTable<ValueList> table_;
};

/// The rate of a counter that may start again from zero, extrapolated to the edges of the window.
class RateCounterSeries {
 public:
  uint64_t add(int64_t time_ns, int64_t cell, double value);
  std::vector<StepPoint> finish(const WindowGrid& grid);

 private:
  struct Sample {
    int64_t time_ns;
    double value;
  };
  static double window_value(const Sample* samples, size_t count, int64_t begin_ns, int64_t end_ns);

  std::vector<Sample> samples_;
};

/// Linear interpolation between the two values around `quantile`; sorts the values.
double quantile_of(double quantile, std::vector<double>* values);

}  // namespace cordwood::query
