// SPDX-License-Identifier: Apache-2.0
#include "storage/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/support/engine_world.h"
#include "tests/support/merge_world.h"

namespace cordwood {
namespace {

constexpr int kEngineWriters = 4;
constexpr int kEngineBatches = 60;
constexpr int kRowsPerBatch = 20;

/// Writers, readers, flushes, merges and ticks at once: what a writer has had acknowledged is in every later snapshot.
TEST(EngineConcurrency, AcknowledgedRowsAreInEveryLaterSnapshot) {
  EngineWorld world(1);
  const std::unique_ptr<TaskRunner> pool = make_thread_pool(2, "background");
  world.environment.background = pool.get();
  world.options.append_wait_ns = 30'000'000'000;
  world.options.wal.group_wait_us = 100;
  world.options.block_rows = 64;
  world.options.generation_raw_bytes = 4u << 10;
  world.options.max_pending_generations = 1000;
  ASSERT_TRUE(world.open().ok());
  Engine& engine = *world.engine;
  MergeWorld merging(world);
  merging.options.policy.max_rewrites = 20;
  merging.renew();

  std::atomic<int> writing{kEngineWriters};
  std::atomic<uint64_t> acknowledged{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kEngineWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int b = 0; b < kEngineBatches; ++b) {
        std::vector<StoredRow> rows;
        for (int i = 0; i < kRowsPerBatch; ++i) {
          // All writers share one stream and one time, and have one each of their own.
          rows.push_back({i % 2 == 0 ? "shared" : fmt::format("own{}", w),
                          i % 2 == 0 ? 7 : b * 100 + i,
                          fmt::format("{} {} {}", w, b, i),
                          {}});
        }
        const auto appended = engine.append(make_batch(engine, "t", rows), nullptr);
        ASSERT_TRUE(appended.ok()) << appended.error().message;
        EXPECT_EQ(appended->rows, static_cast<uint64_t>(kRowsPerBatch));
        acknowledged += appended->rows;
      }
      --writing;
    });
  }
  threads.emplace_back([&] {
    while (writing > 0) {
      const uint64_t at_least = acknowledged;
      const auto rows = read_rows(*engine.snapshot(), "t");
      ASSERT_TRUE(rows.ok()) << rows.error().message;
      EXPECT_GE(rows->size(), at_least);
      EXPECT_EQ(rows->size() % kRowsPerBatch, 0u) << "a batch is seen whole";
      EXPECT_EQ(std::set<StoredRow>(rows->begin(), rows->end()).size(), rows->size());
    }
  });
  threads.emplace_back([&] {
    while (writing > 0) {
      engine.tick();
      const Result<void> flushed = engine.flush();
      EXPECT_TRUE(flushed.ok()) << flushed.error().message;
      (void)engine.status();
    }
  });
  threads.emplace_back([&] {
    while (writing > 0) merging.merger().tick();
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world.metrics.counter("cordwood_merge_failures_total", "").value(), 0u);
  merging.forget();
  const uint64_t all = uint64_t{kEngineWriters} * kEngineBatches * kRowsPerBatch;
  EXPECT_EQ(read_rows(*engine.snapshot(), "t")->size(), all);
  ASSERT_TRUE(engine.flush().ok());
  EXPECT_EQ(read_rows(*engine.snapshot(), "t")->size(), all);
  ASSERT_TRUE(world.open().ok());
  EXPECT_EQ(read_rows(*world.engine->snapshot(), "t")->size(), all);
  world.close();
}

/// Disks that fail now and then under many writers: nothing acknowledged is lost, nobody waits for ever.
TEST(EngineConcurrency, FailingDisksRefuseButDoNotLose) {
  EngineWorld world(2);
  const std::unique_ptr<TaskRunner> pool = make_thread_pool(2, "background");
  world.environment.background = pool.get();
  world.options.append_wait_ns = 100'000'000;
  world.options.block_rows = 32;
  world.options.generation_raw_bytes = 16u << 10;
  ASSERT_TRUE(world.open().ok());
  Engine& engine = *world.engine;
  world.fs.set_failure_rate(SimOperation::sync, 0.1);
  world.fs.set_failure_rate(SimOperation::write, 0.05);

  std::atomic<uint64_t> acknowledged{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kEngineWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int b = 0; b < kEngineBatches; ++b) {
        const std::vector<StoredRow> rows = {{fmt::format("own{}", w), b, "x", {}}, {"shared", w * 1000 + b, "y", {}}};
        const auto appended = engine.append(make_batch(engine, "t", rows), nullptr);
        if (appended.ok()) acknowledged += 2;
        world.clock.advance_ns(1'000'000'000);
        engine.tick();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(read_rows(*engine.snapshot(), "t")->size(), acknowledged);
  world.fs.clear_failure_rates();
  ASSERT_TRUE(engine.flush().ok());
  EXPECT_EQ(read_rows(*engine.snapshot(), "t")->size(), acknowledged);
  EXPECT_GT(acknowledged, 0u);
  world.close();
}

}  // namespace
}  // namespace cordwood
