// SPDX-License-Identifier: Apache-2.0
#include "query/tail.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "tests/query/query_store.h"

namespace cordwood::query {
namespace {

constexpr int kWriters = 4;
constexpr int kBatches = 50;
constexpr int kRowsPerBatch = 20;
constexpr int kTails = 8;

/// Every line a tail gives until nobody writes any more; fails when one comes twice or out of order.
std::set<std::string> follow(Tail& tail, const std::atomic<int>& writing) {
  std::set<std::string> seen;
  std::map<LabelPairs, int64_t> newest;
  for (bool last_round = false, again = true; again || !last_round;) {
    last_round = writing == 0;
    auto page = tail.next(nullptr);
    if (!page.ok()) {
      ADD_FAILURE() << page.error().message;
      break;
    }
    EXPECT_TRUE(page->dropped.empty());
    again = page->again;
    if (!again) std::this_thread::yield();
    for (const TailEntry& entry : page->entries) {
      EXPECT_TRUE(seen.insert(entry.entry.line).second) << "twice: " << entry.entry.line;
      int64_t& before = newest.try_emplace(entry.labels, 0).first->second;
      EXPECT_LE(before, entry.entry.time_ns) << entry.entry.line;
      before = entry.entry.time_ns;
    }
  }
  return seen;
}

/// Writers, flushes and tails that begin at any moment: each has every row once, in the order of its stream.
TEST(TailConcurrency, EveryTailHasEveryRowOnce) {
  EngineWorld world(3);
  const std::unique_ptr<TaskRunner> pool = make_thread_pool(2, "background");
  TailHub hub({.buffer_bytes = 64 << 20}, {.memory = &world.memory, .clock = &world.clock, .metrics = &world.metrics});
  world.environment.background = pool.get();
  world.environment.rows = &hub;
  world.options.append_wait_ns = 30'000'000'000;
  world.options.block_rows = 64;
  world.options.generation_raw_bytes = 4u << 10;
  world.options.max_pending_generations = 1000;
  ASSERT_TRUE(world.open().ok());
  Engine& engine = *world.engine;
  const BlockStreamIndex index(&engine);
  QueryEngine::Environment reads;
  reads.snapshot = [&engine] { return engine.snapshot(); };
  reads.streams = &index;
  reads.memory = &world.memory;
  reads.clock = &world.clock;
  const TailReader reader(reads, hub);

  std::atomic<int> writing{kWriters};
  std::atomic<int> batches{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int b = 0; b < kBatches; ++b) {
        std::vector<StoredRow> rows;
        for (int i = 0; i < kRowsPerBatch; ++i) {
          rows.push_back({i % 2 == 0 ? "shared" : fmt::format("own{}", w),
                          i % 2 == 0 ? 7 : b * 100 + i,
                          fmt::format("{} {} {}", w, b, i),
                          {}});
        }
        const auto appended = engine.append(make_batch(engine, "t", rows), nullptr);
        ASSERT_TRUE(appended.ok()) << appended.error().message;
        ++batches;
      }
      --writing;
    });
  }
  threads.emplace_back([&] {
    for (int at = 0; writing > 0; std::this_thread::yield()) {
      if (batches < at) continue;
      EXPECT_TRUE(engine.flush().ok());
      at += kBatches / 4;
    }
  });
  for (int t = 0; t < kTails; ++t) {
    threads.emplace_back([&, t] {
      while (batches < t * kBatches * kWriters / kTails) std::this_thread::yield();
      ReadContext context{.tenant = "t", .limits = {}, .cancelled = nullptr};
      context.limits.max_query_length_ns = 0;
      auto tail = reader.open(context, {.query = R"({app=~".+"})", .start_ns = 0, .limit = 5000});
      ASSERT_TRUE(tail.ok()) << tail.error().message;
      const std::set<std::string> seen = follow(**tail, writing);
      EXPECT_EQ(seen.size(), static_cast<size_t>(kWriters * kBatches * kRowsPerBatch));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(hub.wants("t"));
}

}  // namespace
}  // namespace cordwood::query
