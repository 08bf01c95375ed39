// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "storage/base/clock.h"

namespace cordwood {

/// A clock that stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ns = 1'700'000'000'000'000'000) : now_ns_(now_ns) {}
  int64_t now_ns() override { return now_ns_.load(); }
  int64_t monotonic_ns() override { return monotonic_ns_.load(); }
  void advance_ns(int64_t ns) {
    now_ns_ += ns;
    monotonic_ns_ += ns;
  }
  int64_t thread_cpu_ns() override { return cpu_ns_.load(); }
  /// Moves as far as threads, all taken as one, take of a processor.
  void work_ns(int64_t ns) {
    advance_ns(ns);
    cpu_ns_ += ns;
  }
  void set_now_ns(int64_t ns) { now_ns_ = ns; }  ///< wall time alone, backwards too

 private:
  std::atomic<int64_t> now_ns_;
  std::atomic<int64_t> monotonic_ns_{1'000'000'000};
  std::atomic<int64_t> cpu_ns_{0};
};

}  // namespace cordwood
