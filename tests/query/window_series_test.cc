// SPDX-License-Identifier: Apache-2.0
#include "query/window_series.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace cordwood::query {

namespace {

struct Point {
  int64_t time_ns;
  double value;
};

/// Values of the samples in (t - offset - range, t - offset] of a step, by time.
std::vector<double> in_window(const std::vector<Point>& samples, const StepGrid& grid, int64_t range, int64_t offset,
                              uint32_t step) {
  const int64_t end = grid.time_ns(step) - offset;
  std::vector<double> out;
  for (const Point& p : samples) {
    if (p.time_ns > end - range && p.time_ns <= end) out.push_back(p.value);
  }
  return out;
}

template <typename State, typename Naive>
void check(std::mt19937& random, int64_t step, int64_t range, int64_t offset, Naive naive) {
  const StepGrid grid{1000, step, 40};
  const WindowGrid windows(grid, range, offset);
  std::vector<Point> samples;
  const int count = random() % 2 == 0 ? 300 : 5000;  // few, and so many that cells are found by number
  for (int i = 0; i < count; ++i) {
    const TimeRange covered = windows.covered();
    const auto width = static_cast<uint64_t>(covered.end_ns - covered.start_ns);
    samples.push_back(
        {covered.start_ns + static_cast<int64_t>(random() % width), static_cast<double>(random() % 1000)});
  }
  CellSeries<State> series(windows.cell_count());
  for (const Point& p : samples) {
    if (const int64_t cell = windows.cell(p.time_ns); cell >= 0) series.add(p.time_ns, cell, p.value);
  }
  std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
  const auto points = series.finish(windows);
  size_t at = 0;
  for (uint32_t i = 0; i < grid.count; ++i) {
    const auto values = in_window(samples, grid, range, offset, i);
    if (values.empty()) {
      ASSERT_TRUE(at == points.size() || points[at].step != i) << i;
      continue;
    }
    ASSERT_LT(at, points.size());
    ASSERT_EQ(points[at].step, i);
    EXPECT_NEAR(points[at].value, naive(values), 1e-6) << "step " << step << " range " << range;
    ++at;
  }
  EXPECT_EQ(at, points.size());
}

TEST(WindowSeries, AgreesWithWindowsSummedOneByOne) {
  std::mt19937 random(5);
  const auto sum = [](const std::vector<double>& v) {
    double out = 0;
    for (const double x : v) out += x;
    return out;
  };
  for (const int64_t step : {7, 10, 60}) {
    for (const int64_t range : {1, 5, 7, 10, 13, 60, 61, 333}) {
      for (const int64_t offset : {0, 17, -5}) {
        check<SumState>(random, step, range, offset, sum);
        check<MaxState>(random, step, range, offset,
                        [](const auto& v) { return *std::max_element(v.begin(), v.end()); });
        check<AvgState>(random, step, range, offset,
                        [&](const auto& v) { return sum(v) / static_cast<double>(v.size()); });
        check<VarianceState>(random, step, range, offset, [&](const auto& v) {
          const double mean = sum(v) / static_cast<double>(v.size());
          double squares = 0;
          for (const double x : v) squares += (x - mean) * (x - mean);
          return squares / static_cast<double>(v.size());
        });
      }
    }
  }
}

TEST(WindowSeries, StretchesAreTheTimesOfOneCell) {
  for (const int64_t step : {7, 10, 60}) {
    for (const int64_t range : {1, 7, 13, 60, 333}) {
      const WindowGrid windows(StepGrid{1000, step, 20}, range, 3);
      WindowGrid::Stretch stretch;
      for (int64_t time = windows.covered().start_ns; time < windows.covered().end_ns; ++time) {
        if (!stretch.holds(time)) {
          EXPECT_TRUE(stretch.end_ns == 0 || stretch.end_ns + 1 == time) << time;
          stretch = windows.stretch(time);
          ASSERT_TRUE(stretch.holds(time));
        }
        ASSERT_EQ(stretch.cell, windows.cell(time)) << time << " step " << step << " range " << range;
      }
    }
  }
}

TEST(WindowSeries, TakesQuantilesOfOverlappingWindows) {
  std::mt19937 random(9);
  for (const int64_t range : {5, 60, 333}) {
    const WindowGrid windows(StepGrid{1000, 10, 40}, range, 0);
    QuantileSeries series(0.8, windows.cell_count());
    std::vector<Point> samples;
    for (int i = 0; i < 2000; ++i)
      samples.push_back({600 + static_cast<int64_t>(random() % 800), random() % 100 / 4.0});
    for (const Point& p : samples)
      if (const int64_t cell = windows.cell(p.time_ns); cell >= 0) series.add(p.time_ns, cell, p.value);
    std::vector<StepPoint> want;
    for (uint32_t step = 0; step < 40; ++step) {
      auto values = in_window(samples, StepGrid{1000, 10, 40}, range, 0, step);
      if (!values.empty()) want.push_back({step, quantile_of(0.8, &values)});
    }
    const auto got = series.finish(windows);
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].step, want[i].step);
      EXPECT_EQ(got[i].value, want[i].value);
    }
  }
}

TEST(WindowSeries, QuantilesLieBetweenNeighbours) {
  const auto f = [](double quantile, std::vector<double> values) { return quantile_of(quantile, &values); };
  EXPECT_EQ(f(0.5, {3, 1, 2}), 2);
  EXPECT_EQ(f(0.5, {4, 1, 2, 3}), 2.5);
  EXPECT_EQ(f(0, {3, 1, 2}), 1);
  EXPECT_EQ(f(1, {3, 1, 2}), 3);
  EXPECT_DOUBLE_EQ(f(0.9, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 9.1);
  EXPECT_TRUE(std::isinf(f(1.5, {1})));
}

}  // namespace

}  // namespace cordwood::query
