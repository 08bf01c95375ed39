// SPDX-License-Identifier: Apache-2.0
#include "storage/base/clock.h"

#include <chrono>
#include <ctime>
#include <thread>

namespace cordwood {

namespace {
template <typename C>
int64_t ns_of() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(C::now().time_since_epoch()).count();
}
}  // namespace

int64_t SystemClock::now_ns() {
  return ns_of<std::chrono::system_clock>();
}
int64_t SystemClock::monotonic_ns() {
  return ns_of<std::chrono::steady_clock>();
}
int64_t SystemClock::thread_cpu_ns() {
  timespec spent{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) != 0) return 0;
  return int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
}

void sleep_ns(int64_t duration_ns) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(duration_ns));
}

}  // namespace cordwood
