// SPDX-License-Identifier: Apache-2.0
// What is acknowledged once the bucket has it survives the loss of the disk.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "storage/wal_reader.h"
#include "tests/support/s3_engine_world.h"

namespace cordwood {
namespace {

constexpr int64_t kAckedNs = 1'700'000'000'000'000'000;

std::vector<StoredRow> acked_rows(int64_t first, int64_t count) {
  std::vector<StoredRow> rows;
  for (int64_t i = first; i < first + count; ++i) rows.push_back({"s0", kAckedNs + i, fmt::format("line {}", i), {}});
  return rows;
}

class S3AckTest : public testing::Test {
 protected:
  S3AckTest() { prepare(&world_); }
  static void prepare(S3EngineWorld* world) {
    world->s3.options.max_retries = 0;
    world->s3.options.breaker_failures = 1'000'000;
    world->options.ack_in_store = true;
    world->options.wal.file_bytes = 400;
  }
  static std::vector<std::string> wal_objects(const S3EngineWorld& world) {
    std::vector<std::string> keys;
    for (const auto& [key, object] : world.s3.bucket.objects()) {
      if (key.find("/wal/") != std::string::npos) keys.push_back(key);
    }
    return keys;
  }
  void lose_machine() {
    world_.close();
    world_.lose_disk();
    ASSERT_TRUE(world_.open().ok());
  }

  S3EngineWorld world_;
};

TEST_F(S3AckTest, TheLogIsInTheBucketUntilTheManifestNamesTheGeneration) {
  ASSERT_TRUE(world_.open().ok());
  for (int64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(world_.append(acked_rows(i * 5, 5)).ok());
    EXPECT_EQ(wal_objects(world_).size(), static_cast<size_t>(i + 1));
  }
  lose_machine();
  EXPECT_EQ(world_.read(), acked_rows(0, 100));
  ASSERT_TRUE(world_.append(acked_rows(100, 5)).ok());
  lose_machine();
  EXPECT_EQ(world_.read(), acked_rows(0, 105));
  ASSERT_TRUE(world_.engine->flush().ok());
  EXPECT_EQ(wal_objects(world_), std::vector<std::string>{});
  lose_machine();
  EXPECT_EQ(world_.read(), acked_rows(0, 105));
}

TEST_F(S3AckTest, AnOldListHidesNothing) {
  ASSERT_TRUE(world_.open().ok());
  for (int64_t i = 0; i < 3; ++i) ASSERT_TRUE(world_.append(acked_rows(i, 1)).ok());
  world_.s3.bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "list" ? S3Fault::stale_list : S3Fault::none; });
  lose_machine();
  EXPECT_EQ(world_.read(), acked_rows(0, 3));
  ASSERT_TRUE(world_.engine->flush().ok());
  ASSERT_TRUE(world_.append(acked_rows(3, 1)).ok());
  lose_machine();
  EXPECT_EQ(world_.read(), acked_rows(0, 4)) << "the only object of a generation that no list shows";
}

TEST_F(S3AckTest, WithoutTheBucketNothingIsAcknowledged) {
  ASSERT_TRUE(world_.open().ok());
  ASSERT_TRUE(world_.append(acked_rows(0, 5)).ok());
  for (const S3Fault fault : {S3Fault::hang_up, S3Fault::lost_answer, S3Fault::slow_down}) {
    world_.s3.bucket.set_faults([fault](const S3Double::Seen&) { return fault; });
    const auto refused = world_.append(acked_rows(5, 5));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  }
  EXPECT_EQ(world_.read(), acked_rows(0, 5));
  world_.s3.bucket.set_faults({});
  ASSERT_TRUE(world_.append(acked_rows(10, 5)).ok());
  world_.close();
  ASSERT_TRUE(world_.open().ok());
  // A refused push may be there or not, but whole and once.
  const auto after = world_.read();
  EXPECT_TRUE(after.size() == 10 || after.size() == 15) << after.size();
  lose_machine();
  EXPECT_EQ(world_.read(), after);
}

TEST_F(S3AckTest, AStartWithItsDiskReadsNoMoreThanHeaders) {
  ASSERT_TRUE(world_.open().ok());
  ASSERT_TRUE(world_.append(acked_rows(0, 50)).ok());
  world_.close();
  const size_t before = world_.s3.bucket.seen().size();
  ASSERT_TRUE(world_.open().ok());
  const auto seen = world_.s3.bucket.seen();
  size_t reads = 0;
  for (size_t i = before; i < seen.size(); ++i) {
    if (seen[i].op != "get" || seen[i].key.find("/wal/") == std::string::npos) continue;
    ++reads;
    EXPECT_EQ(seen[i].request.field("range"), "bytes=0-67");
  }
  EXPECT_EQ(reads, 1u);
  EXPECT_EQ(world_.read(), acked_rows(0, 50));
}

/// The machine is lost at each request in turn; what was acknowledged by then is there.
TEST_F(S3AckTest, WhereverTheMachineIsLostNothingAcknowledgedIs) {
  int ends = 0;
  for (const S3Fault last : {S3Fault::hang_up, S3Fault::lost_answer}) {
    for (int at = 1;; ++at) {
      S3EngineWorld world;
      prepare(&world);
      ASSERT_TRUE(world.open().ok());
      int left = at;
      world.s3.bucket.set_faults([&left, last](const S3Double::Seen&) {
        if (left == 0) return S3Fault::hang_up;
        return --left == 0 ? last : S3Fault::none;
      });
      int64_t acknowledged = 0;
      int64_t offered = 0;
      bool flushed = true;
      for (int i = 0; i < 4; ++i) {
        if (i == 2) flushed = world.engine->flush().ok();
        const bool taken = world.append(acked_rows(offered, 3)).ok();
        offered += 3;
        if (taken) acknowledged = offered;
        if (!taken) break;
      }
      flushed = flushed && world.engine->flush().ok();
      const bool whole = left > 0;
      world.close();
      world.lose_disk();
      world.s3.bucket.set_faults({});
      ASSERT_TRUE(world.open().ok());
      const auto found = world.read();
      EXPECT_TRUE(found == acked_rows(0, acknowledged) || found == acked_rows(0, offered))
          << found.size() << " rows of " << acknowledged << " acknowledged, " << offered << " offered, request " << at;
      ASSERT_TRUE(world.engine->flush().ok());
      EXPECT_EQ(world.read(), found);
      world.close();
      ASSERT_TRUE(world.open().ok());
      EXPECT_EQ(wal_objects(world), std::vector<std::string>{});
      EXPECT_EQ(world.read(), found);
      if (whole) break;
      ++ends;
    }
  }
  EXPECT_GT(ends, 20);
}

TEST_F(S3AckTest, APieceWhoseHeaderIsDamagedIsToldOfAndItsRecordsAreRead) {
  world_.options.wal.file_bytes = 1000;
  ASSERT_TRUE(world_.open().ok());
  for (int64_t i = 0; i < 20; ++i) ASSERT_TRUE(world_.append(acked_rows(i, 1)).ok());
  world_.close();
  const auto keys = wal_objects(world_);
  ASSERT_EQ(keys.size(), 20u);
  uint64_t damaged = 0;
  // The first of a file, one after it, the last; with and without the local files.
  for (const size_t piece : {0u, 1u, 10u, 19u}) {
    const std::string bytes = world_.s3.bucket.objects().at(keys[piece]).bytes;
    for (const size_t at : {0u, 18u, 30u, 50u}) {
      const bool lost = at != 18;
      if (lost) world_.lose_disk();
      std::string wrong = bytes;
      wrong[at] = static_cast<char>(wrong[at] ^ 1);
      world_.s3.bucket.put(keys[piece], wrong);
      const auto opened = world_.open();
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      EXPECT_EQ(world_.read(), acked_rows(0, 20)) << piece << " " << at;
      ++damaged;
      EXPECT_NE(world_.s3.metrics.text().find(fmt::format("cordwood_wal_objects_damaged_total {}\n", damaged)),
                std::string::npos);
      const std::string name = keys[piece].substr(keys[piece].rfind('/'));
      EXPECT_TRUE(std::filesystem::exists(world_.data_dir() + "/wal" + name + ".object.damaged"));
      world_.close();
    }
    world_.s3.bucket.put(keys[piece], bytes);
  }
}

TEST_F(S3AckTest, WhatCannotBeReadIsLeftOutAndTheRestIsServed) {
  world_.options.wal.file_bytes = 10'000;
  ASSERT_TRUE(world_.open().ok());
  for (int64_t i = 0; i < 10; ++i) ASSERT_TRUE(world_.append(acked_rows(i, 1)).ok());
  world_.close();
  const auto keys = wal_objects(world_);
  const auto f = [&](std::set<size_t> broken, const std::string& with, std::set<int64_t> missing) {
    const auto objects = world_.s3.bucket.objects();
    for (const size_t piece : broken) world_.s3.bucket.put(keys[piece], with);
    world_.lose_disk();
    const auto opened = world_.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    std::vector<StoredRow> want;
    for (int64_t i = 0; i < 10; ++i) {
      if (!missing.contains(i)) want.push_back(acked_rows(i, 1)[0]);
    }
    EXPECT_EQ(world_.read(), want);
    world_.close();
    for (const size_t piece : broken) world_.s3.bucket.put(keys[piece], objects.at(keys[piece]).bytes);
  };
  f({3}, "", {3});
  f({3}, "short", {3});
  f({3}, std::string(500, 'x'), {3});
  f({0}, std::string(500, 'x'), {0});
  f({0}, "", {0});
  f({9}, "", {9});
  f({2, 3, 7}, std::string(200, '\0'), {2, 3, 7});
  f({}, "", {});
}

}  // namespace
}  // namespace cordwood
