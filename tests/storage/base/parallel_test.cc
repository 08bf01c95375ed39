// SPDX-License-Identifier: Apache-2.0
#include "storage/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"

namespace cordwood {
namespace {

TEST(RunParallel, EveryNumberOnceAndNeverMoreAtATimeThanAllowed) {
  for (const size_t width : {size_t{0}, size_t{1}, size_t{3}, size_t{100}}) {
    std::vector<std::atomic<int>> calls(57);
    std::atomic<size_t> now{0};
    std::atomic<size_t> most{0};
    const auto done = run_parallel(calls.size(), width, [&](size_t i) -> Result<void> {
      const size_t at_once = ++now;
      for (size_t seen = most; seen < at_once && !most.compare_exchange_weak(seen, at_once);) {
      }
      ++calls[i];
      std::this_thread::yield();
      --now;
      return {};
    });
    EXPECT_TRUE(done.ok());
    for (const auto& count : calls) EXPECT_EQ(count, 1);
    EXPECT_LE(most, std::max<size_t>(width, 1));
  }
  EXPECT_TRUE(run_parallel(0, 8, [](size_t) -> Result<void> { return Error::io("never called"); }).ok());
}

TEST(RunParallel, AFailureEndsItAndTheFirstOneIsTold) {
  std::atomic<int> calls{0};
  const auto alone = run_parallel(100, 1, [&](size_t i) -> Result<void> {
    ++calls;
    if (i == 7) return Error::io("seven");
    return {};
  });
  EXPECT_EQ(alone.error().message, "seven");
  EXPECT_EQ(calls, 8);
  std::atomic<int> waiting{0};
  const auto together = run_parallel(4, 4, [&](size_t i) -> Result<void> {
    // All four begin before one of them fails.
    for (++waiting; waiting < 4;) std::this_thread::yield();
    return Error::io(std::to_string(i));
  });
  EXPECT_EQ(together.error().message, "0");
}

}  // namespace
}  // namespace cordwood
