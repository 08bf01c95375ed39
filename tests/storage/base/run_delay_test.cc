// SPDX-License-Identifier: Apache-2.0
#include "storage/base/run_delay.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

namespace cordwood {
namespace {

/// Spins on one processor until told to stop; what the thread waited for it.
int64_t spin(int processor, const std::atomic<bool>& stop) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  EXPECT_EQ(::sched_setaffinity(0, sizeof set, &set), 0);
  const int64_t before_ns = run_delay_ns();
  while (!stop) continue;
  return run_delay_ns() - before_ns;
}

TEST(RunDelay, GrowsWhileTwoWantOneProcessor) {
  int64_t on_processor_ns = 0;
  std::ifstream("/proc/thread-self/schedstat") >> on_processor_ns;
  if (on_processor_ns == 0) GTEST_SKIP() << "this kernel does not tell";
  const int processor = ::sched_getcpu();
  std::atomic<bool> stop{false};
  int64_t waited_ns[2] = {};
  std::thread one([&] { waited_ns[0] = spin(processor, stop); });
  std::thread other([&] { waited_ns[1] = spin(processor, stop); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  stop = true;
  one.join();
  other.join();
  EXPECT_GT(waited_ns[0] + waited_ns[1], 50'000'000);
}

}  // namespace
}  // namespace cordwood
