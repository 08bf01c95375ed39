// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cordwood {

/// The only source of time.  Durations use monotonic_ns(); names and files never use either.  Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Unix time in nanoseconds.
  virtual int64_t now_ns() = 0;
  /// Nanoseconds since an arbitrary point, never going back.
  virtual int64_t monotonic_ns() = 0;
  /// Processor time that the calling thread has taken; 0 where that is not known.
  virtual int64_t thread_cpu_ns() { return 0; }
};

class SystemClock final : public Clock {
 public:
  int64_t now_ns() override;
  int64_t monotonic_ns() override;
  int64_t thread_cpu_ns() override;
};

/// Lets the calling thread rest.
void sleep_ns(int64_t duration_ns);

}  // namespace cordwood
