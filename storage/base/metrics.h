// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/mutex.h"

namespace cordwood {

/// A value that only grows.  Lock-free.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// Observations in buckets with upper bounds in seconds.  Lock-free.
class Histogram {
 public:
  static constexpr double kBoundsSeconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                              0.25,  0.5,    1,     2.5,  5,     10,   30};
  static constexpr size_t kBounds = sizeof(kBoundsSeconds) / sizeof(double);
  void observe_ns(int64_t ns);
  uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t sum_ns() const { return sum_ns_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> buckets_[kBounds + 1]{};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> sum_ns_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// All metrics of the process, printed in Prometheus' text format.  References stay valid for its lifetime;
/// asking again for the same name and labels gives the same object.  Thread-safe.
class Metrics {
 public:
  /// Names start with `cordwood_`; counters end with `_total`.
  Counter& counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  /// `read` is called at each scrape, on the scraping thread.
  void gauge(const std::string& name, const std::string& help, const MetricLabels& labels,
             std::function<double()> read);
  std::string text() const;

 private:
  struct Series {
    std::string labels;
    Counter* counter = nullptr;
    Histogram* histogram = nullptr;
    std::function<double()> gauge;
  };
  struct Family {
    std::string help;
    const char* type = "";
    std::map<std::string, Series> series;
  };
  Series& series_of(const std::string& name, const std::string& help, const char* type, const MetricLabels& labels)
      REQUIRES(mu_);

  mutable Mutex mu_;
  std::map<std::string, Family> families_ GUARDED_BY(mu_);
  std::deque<Counter> counters_ GUARDED_BY(mu_);
  std::deque<Histogram> histograms_ GUARDED_BY(mu_);
};

}  // namespace cordwood
