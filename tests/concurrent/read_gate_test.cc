// SPDX-License-Identifier: Apache-2.0
#include "query/read_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "tests/support/manual_clock.h"

namespace cordwood::query {
namespace {

constexpr int64_t kMs = 1'000'000;

bool never() {
  return false;
}

class ReadGateTest : public testing::Test {
 protected:
  void make_long(ReadGate::Visit* visit) {
    clock_.advance_ns(60 * kMs);
    visit->check(clock_.monotonic_ns());
  }
  ManualClock clock_;
};

TEST_F(ReadGateTest, OnlySoManyRunAtATime) {
  ReadGate reads({.running = 3, .processors = 2, .long_after_ns = 1, .turn_ns = 1, .poll_ns = kMs}, clock_);
  std::atomic<int> running{0}, most{0}, done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 20; ++turn) {
        ReadGate::Visit visit(&reads, i % 2 == 0 ? "a" : "b", never);
        for (int batch = 0; batch < 10; ++batch) {
          const int now = ++running;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          --running;
          clock_.advance_ns(1);
          visit.check(clock_.monotonic_ns());
        }
      }
      ++done;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 12);
  EXPECT_LE(most, 3);
}

TEST_F(ReadGateTest, WhoStopsWaitingIsNotLetIn) {
  ReadGate reads({.running = 1, .processors = 1, .poll_ns = kMs}, clock_);
  std::optional<ReadGate::Visit> first(std::in_place, &reads, "a", never);
  {
    const ReadGate::Visit left(&reads, "a", [] { return true; });
  }
  std::atomic<bool> in{false};
  std::thread next([&] {
    const ReadGate::Visit visit(&reads, "a", never);
    in = true;
  });
  EXPECT_FALSE(in);
  first.reset();
  next.join();
  EXPECT_TRUE(in);
}

TEST_F(ReadGateTest, LongReadsButOneGiveWayToShortOnes) {
  ReadGate reads({.running = 8, .processors = 2, .poll_ns = kMs}, clock_);
  std::atomic<bool> paused{false};
  ReadGate::Visit one(&reads, "a", [&] {
    paused = true;
    return false;
  });
  ReadGate::Visit two(&reads, "a", never);
  make_long(&one);
  make_long(&two);
  EXPECT_FALSE(one.check(clock_.monotonic_ns())) << "nobody else wants to run";
  std::optional<ReadGate::Visit> quick(std::in_place, &reads, "a", never);
  std::thread gives_way([&] { EXPECT_TRUE(one.check(clock_.monotonic_ns())); });
  while (!paused) std::this_thread::yield();
  EXPECT_FALSE(two.check(clock_.monotonic_ns())) << "one long read runs on, whatever comes";
  quick.reset();
  gives_way.join();
}

TEST_F(ReadGateTest, TwoRunForEachProcessorUnlessToldOtherwise) {
  ReadGate reads({.processors = 1, .poll_ns = kMs}, clock_);
  const ReadGate::Visit one(&reads, "a", never), two(&reads, "a", never);
  bool waited = false;
  const ReadGate::Visit third(&reads, "a", [&] { return waited = true; });
  EXPECT_TRUE(waited);
}

TEST_F(ReadGateTest, WhoWaitsForAStoreLeavesTheirPlaceToOthers) {
  ReadGate reads({.running = 1, .processors = 1, .poll_ns = kMs}, clock_);
  bool waited = false;
  const auto waits = [&] { return waited = true; };
  ReadGate::Visit one(&reads, "a", waits);
  one.on_wait(true);
  one.on_wait(true);
  one.on_wait(false);  // still for another answer
  EXPECT_EQ(reads.idle_processors(), 1u);
  {
    ReadGate::Visit two(&reads, "a", waits);
    EXPECT_FALSE(waited);
    two.on_wait(true);
    const ReadGate::Visit third(&reads, "a", waits);
    EXPECT_TRUE(waited) << "no more are let in than twice as many as run";
    two.on_wait(false);
  }
  one.on_wait(false);
  EXPECT_EQ(reads.idle_processors(), 0u);
  waited = false;
  const ReadGate::Visit last(&reads, "a", waits);
  EXPECT_TRUE(waited) << "back in their place";
}

TEST_F(ReadGateTest, ALongReadThatWaitsForAStoreIsNotTheOneThatRuns) {
  ReadGate reads({.running = 2, .processors = 1, .poll_ns = kMs}, clock_);
  ReadGate::Visit one(&reads, "a", never), two(&reads, "a", never);
  make_long(&one);
  one.on_wait(true);
  make_long(&two);
  const ReadGate::Visit quick(&reads, "a", never);
  EXPECT_FALSE(two.check(clock_.monotonic_ns()));
  one.on_wait(false);
}

TEST_F(ReadGateTest, LongReadsTakeTurns) {
  ReadGate reads({.running = 1, .processors = 1, .poll_ns = kMs}, clock_);
  constexpr int kTurns = 20;
  std::atomic<int> turns[3] = {};
  std::vector<std::thread> threads;
  for (std::atomic<int>& own : turns) {
    threads.emplace_back([&] {
      ReadGate::Visit visit(&reads, "a", never);
      while (own < kTurns) {
        ++own;
        clock_.advance_ns(200 * kMs);
        visit.check(clock_.monotonic_ns());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::atomic<int>& own : turns) EXPECT_EQ(own, kTurns);
}

TEST_F(ReadGateTest, ShortReadsGoFirstAndATenantWithFewerRunningBeforeOthers) {
  ReadGate reads({.running = 2, .processors = 1, .poll_ns = kMs}, clock_);
  std::optional<ReadGate::Visit> first(std::in_place, &reads, "busy", never),
      second(std::in_place, &reads, "busy", never);
  std::vector<std::string> order;
  Mutex mu;
  std::atomic<int> waiting{0};
  const auto enter = [&](const char* tenant) {
    return std::thread([&, tenant] {
      ReadGate::Visit visit(&reads, tenant, [&, counted = false]() mutable {
        if (!counted) ++waiting;
        counted = true;
        return false;
      });
      const MutexLock lock(mu);
      order.emplace_back(tenant);
    });
  };
  std::vector<std::thread> threads;
  threads.push_back(enter("busy"));
  while (waiting < 1) std::this_thread::yield();
  threads.push_back(enter("calm"));
  while (waiting < 2) std::this_thread::yield();
  first.reset();
  threads[1].join();
  threads[0].join();
  EXPECT_EQ(order.front(), "calm");
}

}  // namespace
}  // namespace cordwood::query
