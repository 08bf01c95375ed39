// SPDX-License-Identifier: Apache-2.0
// The bucket as home: what is where when it goes away, or the process does.
#include <gtest/gtest.h>

#include "storage/merge_target.h"
#include "storage/wal_reader.h"
#include "tests/support/s3_engine_world.h"

namespace cordwood {
namespace {

constexpr int64_t kPlacedNs = 1'700'000'000'000'000'000;

std::vector<StoredRow> placed_rows(int64_t first, int64_t count) {
  std::vector<StoredRow> rows;
  for (int64_t i = first; i < first + count; ++i) {
    rows.push_back({fmt::format("s{}", i % 5), kPlacedNs + i, fmt::format("line {} {}", i, std::string(60, 'x')), {}});
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

class S3PlacementTest : public testing::Test {
 protected:
  S3PlacementTest() {
    world_.s3.options.max_retries = 0;
    world_.s3.options.breaker_failures = 1'000'000;
    world_.options.block_rows = 16;
  }
  size_t wal_generations() { return list_wal_generations(world_.s3.fs, world_.data_dir() + "/wal")->size(); }
  size_t segment_objects() {
    size_t n = 0;
    for (const auto& [key, object] : world_.s3.bucket.objects()) n += key.find("/segments/") != std::string::npos;
    return n;
  }
  std::vector<StoredRow> read_sorted() {
    auto rows = world_.read();
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  S3EngineWorld world_;
};

/// The bucket stops at each request of a publication in turn, before or after doing it; then the process dies.
TEST_F(S3PlacementTest, WhereverAPublicationEndsNothingIsLostOrDoubled) {
  const std::vector<StoredRow> rows = placed_rows(0, 60);
  int ends = 0;
  for (const S3Fault last : {S3Fault::hang_up, S3Fault::lost_answer}) {
    for (int at = 1;; ++at) {
      S3EngineWorld world;
      world.s3.options.max_retries = 0;
      world.options.block_rows = 16;
      world.options.segment_bytes = 1;
      world.options.generation_segments = 3;
      ASSERT_TRUE(world.open().ok());
      ASSERT_TRUE(world.append(rows).ok());
      int left = at;
      world.s3.bucket.set_faults([&left, last](const S3Double::Seen&) {
        if (left == 0) return S3Fault::hang_up;
        return --left == 0 ? last : S3Fault::none;
      });
      const bool whole = world.engine->flush().ok() && left > 0;
      const bool named = world.engine->status().segments > 0;
      const auto wal = list_wal_generations(world.s3.fs, world.data_dir() + "/wal");
      EXPECT_TRUE(named || wal->size() == 1) << "the WAL went before the manifest";
      world.close();
      world.s3.bucket.set_faults({});
      ASSERT_TRUE(world.open().ok());
      auto found = world.read();
      std::sort(found.begin(), found.end());
      ASSERT_EQ(found, rows) << "the bucket ended at request " << at;
      ASSERT_TRUE(world.engine->flush().ok());
      EXPECT_EQ(world.read().size(), rows.size());
      EXPECT_LE(world.engine->status().segments, 3u);
      world.close();
      ASSERT_TRUE(world.open().ok());
      size_t objects = 0;
      for (const auto& [key, object] : world.s3.bucket.objects())
        objects += key.find("/segments/") != std::string::npos;
      EXPECT_EQ(objects, world.engine->status().segments) << "an orphan stays";
      if (whole) break;
      ++ends;
    }
  }
  EXPECT_GT(ends, 10);
}

TEST_F(S3PlacementTest, WhatWaitsForTheBucketCanBeReadAndDrainsByItself) {
  world_.options.local_pending_bytes = 40'000;
  world_.options.generation_raw_bytes = 4000;
  ASSERT_TRUE(world_.open().ok());
  world_.s3.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  int64_t taken = 0;
  Result<Engine::Appended> appended = Engine::Appended{};
  while (taken < 10'000) {
    appended = world_.append(placed_rows(taken, 20));
    if (!appended.ok()) break;
    taken += 20;
    world_.engine->tick();
    world_.tasks.drain();
  }
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().kind, ErrorKind::unavailable);
  EXPECT_NE(appended.error().message.find("local_pending_bytes"), std::string::npos) << appended.error().message;
  const Engine::Status away = world_.engine->status();
  EXPECT_GT(away.pending_generations, world_.options.max_pending_generations) << "the number does not count";
  EXPECT_GE(away.pending_bytes, 40'000u);
  EXPECT_LT(away.pending_bytes, 50'000u);
  EXPECT_FALSE(away.writable);
  EXPECT_EQ(read_sorted(), placed_rows(0, taken));
  EXPECT_NE(world_.s3.metrics.text().find("cordwood_local_pending_bytes"), std::string::npos);

  world_.s3.bucket.set_faults({});
  for (int second = 0; second < 60; ++second) {
    world_.clock.advance_ns(1'000'000'000);
    world_.engine->tick();
    world_.tasks.drain();
  }
  EXPECT_LE(world_.engine->status().pending_generations, 0u);
  EXPECT_GT(world_.engine->status().segments, 2u);
  ASSERT_TRUE(world_.append(placed_rows(taken, 20)).ok());
  EXPECT_TRUE(world_.engine->status().writable);
  EXPECT_EQ(read_sorted(), placed_rows(0, taken + 20));
}

TEST_F(S3PlacementTest, WhatWaitedIsCountedAfterAStart) {
  world_.options.local_pending_bytes = 20'000;
  world_.options.generation_raw_bytes = 4000;
  ASSERT_TRUE(world_.open().ok());
  world_.s3.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  int64_t taken = 0;
  while (taken < 10'000 && world_.append(placed_rows(taken, 20)).ok()) taken += 20;
  world_.close();
  // The bucket can be opened, but takes nothing.
  world_.s3.bucket.set_faults([](const S3Double::Seen& seen) {
    return seen.key.find("/segments/") != std::string::npos ? S3Fault::hang_up : S3Fault::none;
  });
  ASSERT_TRUE(world_.open().ok());
  EXPECT_FALSE(world_.append(placed_rows(taken, 20)).ok());
  EXPECT_EQ(read_sorted(), placed_rows(0, taken));
  world_.s3.bucket.set_faults({});
  ASSERT_TRUE(world_.engine->flush().ok());
  EXPECT_TRUE(world_.append(placed_rows(taken, 20)).ok());
}

TEST_F(S3PlacementTest, AGenerationHasAtMostSoManyObjects) {
  for (const uint32_t most : {1u, 3u, 8u}) {
    S3EngineWorld world;
    world.options.block_rows = 8;
    world.options.segment_bytes = 1;
    world.options.generation_segments = most;
    ASSERT_TRUE(world.open().ok());
    ASSERT_TRUE(world.append(placed_rows(0, 200)).ok());
    ASSERT_TRUE(world.engine->flush().ok());
    EXPECT_LE(world.engine->status().segments, most);
    EXPECT_GE(world.engine->status().segments, (most + 1) / 2);
    EXPECT_EQ(world.read().size(), 200u);
  }
}

TEST_F(S3PlacementTest, AStoreThatIsGivenUpAnswersAtOnce) {
  ASSERT_TRUE(world_.open().ok());
  ASSERT_TRUE(world_.append(placed_rows(0, 20)).ok());
  world_.s3.store->give_up_at(world_.s3.system_clock.monotonic_ns());
  const size_t before = world_.s3.bucket.seen().size();
  EXPECT_EQ(world_.engine->flush().error().kind, ErrorKind::unavailable);
  EXPECT_EQ(world_.s3.bucket.seen().size(), before);
  EXPECT_EQ(wal_generations(), 1u);
  EXPECT_EQ(segment_objects(), 0u);
}

/// A request under way when the end comes does not hold it up.
TEST_F(S3PlacementTest, ARequestUnderWayEndsToo) {
  world_.s3.options.answer_timeout_ns = 600'000'000'000;
  world_.s3.options.operation_timeout_ns = 600'000'000'000;
  ASSERT_TRUE(world_.open().ok());
  ASSERT_TRUE(world_.append(placed_rows(0, 20)).ok());
  world_.s3.bucket.set_faults([this](const S3Double::Seen&) {
    world_.s3.store->give_up_at(world_.s3.system_clock.monotonic_ns());
    return S3Fault::slow_body;
  });
  const Result<void> flushed = world_.engine->flush();
  ASSERT_FALSE(flushed.ok());
  EXPECT_NE(flushed.error().message.find("given up"), std::string::npos) << flushed.error().message;
}

}  // namespace
}  // namespace cordwood
