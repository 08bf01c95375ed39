// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace cordwood::query {

/// What is known of the samples of a cell or a window.  States of neighbouring stretches of time merge to the state
/// of both; `merge` is always called with the earlier one on the left.
struct SumState {
  double sum = 0;
  void add(int64_t, double value) { sum += value; }
  void merge(const SumState& later) { sum += later.sum; }
  double result() const { return sum; }
};

struct MinState {
  double value = NAN;
  void add(int64_t, double v) {
    if (std::isnan(value) || v < value) value = v;
  }
  void merge(const MinState& later) { add(0, later.value); }
  double result() const { return value; }
};

struct MaxState {
  double value = NAN;
  void add(int64_t, double v) {
    if (std::isnan(value) || v > value) value = v;
  }
  void merge(const MaxState& later) { add(0, later.value); }
  double result() const { return value; }
};

/// A running mean, so that large values do not overflow; an infinite mean stays.
struct AvgState {
  double mean = 0;
  double count = 0;
  void add(int64_t, double value) { merge({value, 1}); }
  void merge(const AvgState& later) {
    if (later.count == 0) return;
    if (count == 0) {
      *this = later;
      return;
    }
    count += later.count;
    if (std::isinf(mean)) {
      const bool same = std::isinf(later.mean) && (mean > 0) == (later.mean > 0);
      const bool finite = !std::isinf(later.mean) && !std::isnan(later.mean);
      if (same || finite) return;
    }
    const double share = later.count / count;
    mean += later.mean * share - mean * share;
  }
  double result() const { return mean; }
};

/// Count, mean and sum of squared distances from the mean.
struct VarianceState {
  double count = 0;
  double mean = 0;
  double squares = 0;
  void add(int64_t, double value) {
    ++count;
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  void merge(const VarianceState& later) {
    if (later.count == 0) return;
    if (count == 0) {
      *this = later;
      return;
    }
    const double delta = later.mean - mean;
    const double both = count + later.count;
    mean += delta * later.count / both;
    squares += later.squares + delta * delta * count * later.count / both;
    count = both;
  }
  double result() const { return squares / count; }
};

struct StandardDeviationState : VarianceState {
  void merge(const StandardDeviationState& later) { VarianceState::merge(later); }
  double result() const { return std::sqrt(VarianceState::result()); }
};

/// The oldest sample; of one time the one that came first.
struct FirstState {
  int64_t time_ns = 0;
  double value = 0;
  bool any = false;
  void add(int64_t t, double v) {
    if (!any || t < time_ns) *this = {t, v, true};
  }
  void merge(const FirstState& later) {
    if (later.any) add(later.time_ns, later.value);
  }
  double result() const { return value; }
};

/// The newest sample; of one time the one that came last.
struct LastState {
  int64_t time_ns = 0;
  double value = 0;
  bool any = false;
  void add(int64_t t, double v) {
    if (!any || t >= time_ns) *this = {t, v, true};
  }
  void merge(const LastState& later) {
    if (later.any) add(later.time_ns, later.value);
  }
  double result() const { return value; }
};

}  // namespace cordwood::query
