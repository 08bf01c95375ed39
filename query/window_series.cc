// SPDX-License-Identifier: Apache-2.0
#include "query/window_series.h"

#include <cmath>
#include <limits>

namespace cordwood::query {

namespace {

double seconds(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e9;
}

}  // namespace

std::vector<StepPoint> QuantileSeries::finish(const WindowGrid& grid) {
  const auto& cells = table_.sorted();
  std::vector<StepPoint> points;
  std::vector<double> values;
  size_t begin = 0, end = 0;
  for (uint32_t step = 0; step < grid.count() && begin < cells.size(); ++step) {
    while (end < cells.size() && cells[end].cell <= grid.last_cell(step)) ++end;
    while (begin < end && cells[begin].cell < grid.first_cell(step)) ++begin;
    if (begin == end) continue;
    values.clear();
    for (size_t i = begin; i < end; ++i) {
      const std::vector<double>& some = cells[i].state.values;
      values.insert(values.end(), some.begin(), some.end());
    }
    points.push_back({step, quantile_of(quantile_, &values)});
  }
  return points;
}

uint64_t RateCounterSeries::add(int64_t time_ns, int64_t, double value) {
  const size_t capacity = samples_.capacity();
  samples_.push_back({time_ns, value});
  return (samples_.capacity() - capacity) * sizeof(Sample);
}

std::vector<StepPoint> RateCounterSeries::finish(const WindowGrid& grid) {
  std::stable_sort(samples_.begin(), samples_.end(),
                   [](const Sample& a, const Sample& b) { return a.time_ns < b.time_ns; });
  std::vector<StepPoint> points;
  size_t begin = 0, end = 0;
  for (uint32_t step = 0; step < grid.count(); ++step) {
    const int64_t begin_ns = grid.window_begin_ns(step), end_ns = grid.window_end_ns(step);
    while (end < samples_.size() && samples_[end].time_ns <= end_ns) ++end;
    while (begin < end && samples_[begin].time_ns <= begin_ns) ++begin;
    if (begin < end) points.push_back({step, window_value(&samples_[begin], end - begin, begin_ns, end_ns)});
  }
  return points;
}

/// Of the samples of one window, in order of time; there is at least one.
double RateCounterSeries::window_value(const Sample* samples, size_t count, int64_t begin_ns, int64_t end_ns) {
  if (count < 2) return 0;
  double increase = samples[count - 1].value - samples[0].value;
  for (size_t i = 1; i < count; ++i) {
    if (samples[i].value < samples[i - 1].value) increase += samples[i - 1].value;
  }
  const double sampled_s = seconds(samples[0].time_ns, samples[count - 1].time_ns);
  const double gap_s = sampled_s / static_cast<double>(count - 1);
  double before_s = seconds(begin_ns, samples[0].time_ns);
  double after_s = seconds(samples[count - 1].time_ns, end_ns);
  constexpr double kNearGaps = 1.1;
  if (before_s >= gap_s * kNearGaps) before_s = gap_s / 2;
  if (after_s >= gap_s * kNearGaps) after_s = gap_s / 2;
  if (increase > 0 && samples[0].value >= 0) {
    before_s = std::min(before_s, sampled_s * (samples[0].value / increase));
  }
  return increase * ((sampled_s + before_s + after_s) / sampled_s) / seconds(begin_ns, end_ns);
}

double quantile_of(double quantile, std::vector<double>* values) {
  if (values->empty() || std::isnan(quantile)) return NAN;
  if (quantile < 0) return -std::numeric_limits<double>::infinity();
  if (quantile > 1) return std::numeric_limits<double>::infinity();
  const auto less = [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; };
  const double rank = quantile * static_cast<double>(values->size() - 1);
  const auto lower = static_cast<size_t>(std::floor(rank));
  const auto at = values->begin() + static_cast<std::ptrdiff_t>(lower);
  std::nth_element(values->begin(), at, values->end(), less);
  const double weight = rank - std::floor(rank);
  const double upper = at + 1 == values->end() ? *at : *std::min_element(at + 1, values->end(), less);
  return *at * (1 - weight) + upper * weight;
}

}  // namespace cordwood::query
