// SPDX-License-Identifier: Apache-2.0
#include "storage/base/clock.h"

#include <chrono>

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

}  // namespace cordwood
