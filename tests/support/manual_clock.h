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
  void set_now_ns(int64_t ns) { now_ns_ = ns; }  ///< wall time alone, backwards too

 private:
  std::atomic<int64_t> now_ns_;
  std::atomic<int64_t> monotonic_ns_{1'000'000'000};
};

}  // namespace cordwood
