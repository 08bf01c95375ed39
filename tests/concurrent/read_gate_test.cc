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

/// Reads that come to a gate one after the other, each on its own thread.
class Arrivals {
 public:
  explicit Arrivals(ReadGate* reads) : reads_(reads) {}
  /// Returns when the read waits.
  void wait_in_line(const TenantId& tenant, uint64_t kind) {
    threads_.emplace_back([this, tenant, kind] {
      const auto counts = [this, counted = false]() mutable {
        if (!counted) ++waiting_;
        counted = true;
        return false;
      };
      const ReadGate::Visit visit(reads_, tenant, counts, kind);
      const MutexLock lock(mu_);
      order_.push_back(tenant + std::to_string(kind));
    });
    while (waiting_ < threads_.size()) std::this_thread::yield();
  }
  /// Tenants and kinds as they were let in, once all were.
  std::vector<std::string> order() {
    for (std::thread& thread : threads_) thread.join();
    const MutexLock lock(mu_);
    return order_;
  }

 private:
  ReadGate* reads_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> waiting_{0};
  Mutex mu_;
  std::vector<std::string> order_ GUARDED_BY(mu_);
};

using Order = std::vector<std::string>;

TEST_F(ReadGateTest, ATenantWithFewerRunningGoesFirst) {
  ReadGate reads({.running = 2, .processors = 1, .poll_ns = kMs}, clock_);
  std::optional<ReadGate::Visit> first(std::in_place, &reads, "busy", never);
  std::optional<ReadGate::Visit> second(std::in_place, &reads, "busy", never);
  Arrivals arrivals(&reads);
  arrivals.wait_in_line("busy", 0);
  arrivals.wait_in_line("calm", 0);
  first.reset();
  EXPECT_EQ(arrivals.order(), (Order{"calm0", "busy0"}));
}

TEST_F(ReadGateTest, OfThoseThatComeTogetherTheCheapOnesGoFirst) {
  ReadGate reads({.running = 1, .processors = 1, .poll_ns = kMs}, clock_);
  for (const uint64_t kind : {3, 1, 2}) {
    const ReadGate::Visit visit(&reads, "a", never, kind);
    clock_.work_ns(static_cast<int64_t>(kind) * 10 * kMs);
  }
  std::optional<ReadGate::Visit> first(std::in_place, &reads, "a", never);
  Arrivals arrivals(&reads);
  for (const uint64_t kind : {3, 2, 1}) arrivals.wait_in_line("a", kind);
  clock_.advance_ns(150 * kMs);
  for (const uint64_t kind : {2, 1}) arrivals.wait_in_line("a", kind);
  first.reset();
  EXPECT_EQ(arrivals.order(), (Order{"a1", "a2", "a1", "a3", "a2"})) << "due after 100, 200, 250, 300 and 350 ms";
}

TEST_F(ReadGateTest, NoneWaitsForCheaperOnesLongerThanASecond) {
  ReadGate reads({.running = 1, .processors = 1, .poll_ns = kMs}, clock_);
  {
    const ReadGate::Visit visit(&reads, "a", never, 1);
    clock_.work_ns(60'000 * kMs);
  }
  std::optional<ReadGate::Visit> first(std::in_place, &reads, "a", never);
  Arrivals arrivals(&reads);
  arrivals.wait_in_line("a", 1);
  clock_.advance_ns(999 * kMs);
  arrivals.wait_in_line("a", 2);
  clock_.advance_ns(2 * kMs);
  arrivals.wait_in_line("a", 3);
  first.reset();
  EXPECT_EQ(arrivals.order(), (Order{"a2", "a1", "a3"}));
}

TEST(ReadCosts, AreMeansInWhichANewOneCountsAQuarter) {
  ReadCosts costs;
  EXPECT_EQ(costs.expected_ns(7), 0);
  costs.took(7, 100);
  EXPECT_EQ(costs.expected_ns(7), 100);
  costs.took(7, 500);
  EXPECT_EQ(costs.expected_ns(7), 200);
  costs.took(7, 0);
  EXPECT_EQ(costs.expected_ns(7), 150);
  EXPECT_EQ(costs.expected_ns(8), 0);
}

TEST(ReadCosts, ReadsAreAlikeButForTheirQuotedTexts) {
  const TimeRange hour{0, 3600 * kNsPerSecond}, day{0, kNsPerDay};
  const auto kind = [&](std::string_view query) { return read_kind("a", query, hour); };
  const uint64_t known = kind(R"({app="x"} |= "gave \" up" | json)");
  EXPECT_EQ(kind(R"({app="y\\"} |= "" | json)"), known);
  EXPECT_EQ(kind(R"({app="`"} |= "é" | json)"), known);
  EXPECT_NE(kind(R"({app="x"} |= "gave \" up" | logfmt)"), known);
  EXPECT_NE(kind(R"({app="x"} |= "gave" up" | json)"), known);
  EXPECT_EQ(kind(R"({app=`\`} | json)"), kind(R"({app=`"`} | json)"));
  EXPECT_NE(kind(R"({app="x"} | json)"), read_kind("b", R"({app="x"} | json)", hour));
  EXPECT_NE(kind(R"({app="x"} | json)"), read_kind("a", R"({app="x"} | json)", day));
  EXPECT_EQ(kind(R"({app=")"), kind(R"({app="x\)")) << "quotes that never end are no harm";
  EXPECT_NE(read_kind("a", "", TimeRange::all()), read_kind("a", "", {}));
}

}  // namespace
}  // namespace cordwood::query
