// SPDX-License-Identifier: Apache-2.0
#include "storage/base/niceness.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "storage/base/clock.h"

namespace cordwood {
namespace {

int niceness_here() {
  return ::getpriority(PRIO_PROCESS, 0);
}

TEST(Niceness, IsOfOneThread) {
  const int before = niceness_here();
  int inside = 0;
  std::thread([&inside] {
    set_niceness(12);
    give_way();
    inside = niceness_here();
  }).join();
  EXPECT_EQ(inside, 12);
  EXPECT_EQ(niceness_here(), before);
  give_way();
}

/// Gives way until the calling thread has had so much of a processor.
void work_for_ms(int64_t ms) {
  SystemClock clock;
  const int64_t end_ns = clock.thread_cpu_ns() + ms * 1'000'000;
  while (clock.thread_cpu_ns() < end_ns) give_way();
}
int64_t paused_ms() {
  return PausesForAnswers::total_ns() / 1'000'000;
}

TEST(Niceness, WorkPausesWhereItSaysSoAndWhileAnswersAreAwaited) {
  const int64_t before_ms = paused_ms();
  {
    const PausesForAnswers pauses;
    work_for_ms(5);
    EXPECT_EQ(paused_ms(), before_ms) << "nobody waits";
  }
  const AwaitedAnswer awaited;
  work_for_ms(5);
  EXPECT_EQ(paused_ms(), before_ms) << "nothing pauses";
  const PausesForAnswers pauses;
  {
    const PausesForAnswers does_not(false);
    work_for_ms(5);
    EXPECT_EQ(paused_ms(), before_ms) << "a part that does not";
  }
  for (int i = 0; i < 200 && paused_ms() < before_ms + 10; ++i) work_for_ms(5);
  EXPECT_GE(paused_ms(), before_ms + 10);
  EXPECT_EQ(AwaitedAnswer::count(), 1u);
}

TEST(Niceness, WorkThatHadLessThanItsPartDoesNotPause) {
  const AwaitedAnswer awaited;
  const PausesForAnswers pauses;
  ::usleep(100'000);
  const int64_t before_ms = paused_ms();
  work_for_ms(5);
  EXPECT_EQ(paused_ms(), before_ms);
}

TEST(Niceness, NothingPausesAfterTheLastAwaitedAnswer) {
  auto awaited = std::make_unique<AwaitedAnswer>();
  std::atomic<int> calls{0};
  std::atomic<bool> over{false};
  std::thread worker([&] {
    const PausesForAnswers pauses;
    for (; !over; ++calls) give_way();
  });
  const auto wait_for_calls = [&calls](int more) {
    for (const int end = calls + more; calls < end;) ::usleep(1000);
  };
  const int64_t before_ms = paused_ms();
  while (paused_ms() < before_ms + 5) ::usleep(1000);
  awaited = nullptr;
  wait_for_calls(2);  // a pause that had begun is over
  const int64_t then_ms = paused_ms();
  wait_for_calls(1000);
  EXPECT_EQ(paused_ms(), then_ms);
  over = true;
  worker.join();
}

}  // namespace
}  // namespace cordwood
