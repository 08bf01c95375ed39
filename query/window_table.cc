// SPDX-License-Identifier: Apache-2.0
#include "query/window_table.h"

#include <algorithm>

#include "query/window_series.h"

namespace cordwood::query {

namespace {

/// Bytes that it took.
template <typename Series>
uint64_t make_room(std::vector<Series>* all, std::span<const uint32_t> numbers, const Series& empty) {
  if (numbers.empty()) return 0;
  const size_t count = size_t{*std::max_element(numbers.begin(), numbers.end())} + 1;
  if (count <= all->size()) return 0;
  const size_t more = count - all->size();
  if (count > all->capacity()) all->reserve(std::max(count, 2 * all->capacity()));
  all->resize(count, empty);
  return more * sizeof(Series);
}

template <typename Series>
class ManyWindows final : public WindowTable {
 public:
  ManyWindows(const WindowGrid& windows, Series empty) : windows_(windows), empty_(std::move(empty)) {}

  uint64_t add(std::span<const uint32_t> series, std::span<const int64_t> times_ns, int64_t cell,
               std::span<const double> values) override {
    uint64_t grown = make_room(&series_, series, empty_);
    for (size_t i = 0; i < series.size(); ++i) grown += series_[series[i]].add(times_ns[i], cell, values[i]);
    return grown;
  }
  uint32_t series_count() const override { return static_cast<uint32_t>(series_.size()); }
  std::vector<StepPoint> finish(uint32_t series) override {
    Series own = std::move(series_[series]);  // gives its memory back at once
    return own.finish(windows_);
  }

 private:
  const WindowGrid& windows_;
  const Series empty_;
  std::vector<Series> series_;
};

/// One window is one cell: a state for each series.
template <typename State>
class OneWindow final : public WindowTable {
 public:
  uint64_t add(std::span<const uint32_t> series, std::span<const int64_t> times_ns, int64_t,
               std::span<const double> values) override {
    const uint64_t grown = make_room(&states_, series, State());
    for (size_t i = 0; i < series.size(); ++i) states_[series[i]].add(times_ns[i], values[i]);
    return grown;
  }
  uint32_t series_count() const override { return static_cast<uint32_t>(states_.size()); }
  std::vector<StepPoint> finish(uint32_t series) override { return {{0, states_[series].result()}}; }
  std::optional<double> value(uint32_t series) const override { return states_[series].result(); }

 private:
  std::vector<State> states_;
};

template <typename State>
std::unique_ptr<WindowTable> make(const WindowGrid& windows) {
  if (windows.count() == 1) return std::make_unique<OneWindow<State>>();
  return std::make_unique<ManyWindows<CellSeries<State>>>(windows, CellSeries<State>(windows.cell_count()));
}

}  // namespace

std::unique_ptr<WindowTable> make_window_table(const RangeAggregation& aggregation, const WindowGrid& windows) {
  switch (aggregation.op) {
    case RangeOp::count:
    case RangeOp::rate:
    case RangeOp::bytes:
    case RangeOp::bytes_rate:
    case RangeOp::sum:
    case RangeOp::absent: return make<SumState>(windows);
    case RangeOp::avg: return make<AvgState>(windows);
    case RangeOp::min: return make<MinState>(windows);
    case RangeOp::max: return make<MaxState>(windows);
    case RangeOp::stdvar: return make<VarianceState>(windows);
    case RangeOp::stddev: return make<StandardDeviationState>(windows);
    case RangeOp::first: return make<FirstState>(windows);
    case RangeOp::last: return make<LastState>(windows);
    case RangeOp::quantile:
      return std::make_unique<ManyWindows<QuantileSeries>>(windows,
                                                           QuantileSeries(aggregation.parameter, windows.cell_count()));
    case RangeOp::rate_counter: return std::make_unique<ManyWindows<RateCounterSeries>>(windows, RateCounterSeries());
  }
  return nullptr;
}

}  // namespace cordwood::query
