// SPDX-License-Identifier: Apache-2.0
// What is acknowledged once the bucket has it survives the loss of the disk.
#include <gtest/gtest.h>

#include <filesystem>

#include "storage/wal_reader.h"
#include "tests/support/s3_engine_world.h"

namespace cordwood {
namespace {

constexpr int64_t kBaseNs = 1'700'000'000'000'000'000;

std::vector<StoredRow> some_rows(int64_t first, int64_t count) {
  std::vector<StoredRow> rows;
  for (int64_t i = first; i < first + count; ++i) rows.push_back({"s0", kBaseNs + i, fmt::format("line {}", i), {}});
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
    ASSERT_TRUE(world_.append(some_rows(i * 5, 5)).ok());
    EXPECT_EQ(wal_objects(world_).size(), static_cast<size_t>(i + 1));
  }
  lose_machine();
  EXPECT_EQ(world_.read(), some_rows(0, 100));
  ASSERT_TRUE(world_.append(some_rows(100, 5)).ok());
  lose_machine();
  EXPECT_EQ(world_.read(), some_rows(0, 105));
  ASSERT_TRUE(world_.engine->flush().ok());
  EXPECT_EQ(wal_objects(world_), std::vector<std::string>{});
  lose_machine();
  EXPECT_EQ(world_.read(), some_rows(0, 105));
}

TEST_F(S3AckTest, AnOldListHidesNothing) {
  ASSERT_TRUE(world_.open().ok());
  for (int64_t i = 0; i < 3; ++i) ASSERT_TRUE(world_.append(some_rows(i, 1)).ok());
  world_.s3.bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "list" ? S3Fault::stale_list : S3Fault::none; });
  lose_machine();
  EXPECT_EQ(world_.read(), some_rows(0, 3));
  ASSERT_TRUE(world_.engine->flush().ok());
  ASSERT_TRUE(world_.append(some_rows(3, 1)).ok());
  lose_machine();
  EXPECT_EQ(world_.read(), some_rows(0, 4)) << "the only object of a generation that no list shows";
}

TEST_F(S3AckTest, WithoutTheBucketNothingIsAcknowledged) {
  ASSERT_TRUE(world_.open().ok());
  ASSERT_TRUE(world_.append(some_rows(0, 5)).ok());
  for (const S3Fault fault : {S3Fault::hang_up, S3Fault::lost_answer, S3Fault::slow_down}) {
    world_.s3.bucket.set_faults([fault](const S3Double::Seen&) { return fault; });
    const auto refused = world_.append(some_rows(5, 5));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  }
  EXPECT_EQ(world_.read(), some_rows(0, 5));
  world_.s3.bucket.set_faults({});
  ASSERT_TRUE(world_.append(some_rows(10, 5)).ok());
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
  ASSERT_TRUE(world_.append(some_rows(0, 50)).ok());
  world_.close();
  const size_t before = world_.s3.bucket.seen().size();
  ASSERT_TRUE(world_.open().ok());
  const auto seen = world_.s3.bucket.seen();
  size_t reads = 0;
  for (size_t i = before; i < seen.size(); ++i) {
    if (seen[i].op != "get" || seen[i].key.find("/wal/") == std::string::npos) continue;
    ++reads;
    EXPECT_EQ(seen[i].request.field("range"), "bytes=0-59");
  }
  EXPECT_EQ(reads, 1u);
  EXPECT_EQ(world_.read(), some_rows(0, 50));
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
        const bool taken = world.append(some_rows(offered, 3)).ok();
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
      EXPECT_TRUE(found == some_rows(0, acknowledged) || found == some_rows(0, offered))
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

TEST_F(S3AckTest, APieceThatIsNotWhatWasWrittenIsToldOf) {
  ASSERT_TRUE(world_.open().ok());
  ASSERT_TRUE(world_.append(some_rows(0, 5)).ok());
  world_.close();
  const std::string key = wal_objects(world_).at(0);
  world_.lose_disk();
  const std::string bytes = world_.s3.bucket.objects().at(key).bytes;
  for (const size_t at : {0u, 5u, 30u, 50u}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    world_.s3.bucket.put(key, damaged);
    const auto opened = world_.open();
    ASSERT_FALSE(opened.ok()) << at;
    EXPECT_NE(opened.error().message.find("wal/"), std::string::npos) << opened.error().message;
  }
  world_.s3.bucket.put(key, bytes);
  ASSERT_TRUE(world_.open().ok());
  EXPECT_EQ(world_.read(), some_rows(0, 5));
}

}  // namespace
}  // namespace cordwood
