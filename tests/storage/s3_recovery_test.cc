// SPDX-License-Identifier: Apache-2.0
// What an empty disk asks a full bucket.
#include <gtest/gtest.h>

#include <map>

#include "storage/manifest.h"
#include "tests/support/s3_engine_world.h"

namespace cordwood {
namespace {

constexpr int64_t kLoggedNs = 1'700'000'000'000'000'000;

std::vector<StoredRow> rows_of(int64_t generation) {
  std::vector<StoredRow> rows;
  for (int64_t i = 0; i < 5; ++i) {
    rows.push_back({"s0", kLoggedNs + generation * 100 + i, fmt::format("line {} of {}", i, generation), {}});
  }
  return rows;
}

class S3RecoveryTest : public testing::Test {
 protected:
  void fill(int64_t generations) {
    for (int64_t n = 0; n < generations; ++n) {
      ASSERT_TRUE(world_.append(rows_of(n)).ok());
      ASSERT_TRUE(world_.engine->flush().ok());
    }
  }
  /// Requests since `from`, by operation and key.
  std::map<std::pair<std::string, std::string>, int> requests(size_t from) {
    std::map<std::pair<std::string, std::string>, int> counts;
    const auto seen = world_.s3.bucket.seen();
    for (size_t i = from; i < seen.size(); ++i) ++counts[{seen[i].op, seen[i].key}];
    return counts;
  }

  S3EngineWorld world_;
};

TEST_F(S3RecoveryTest, OneReadForEachSegmentAndEachChangeAndManyAtATime) {
  constexpr int64_t kGenerations = 40;
  ASSERT_TRUE(world_.open().ok());
  fill(kGenerations);
  world_.close();
  world_.lose_disk();
  const size_t before = world_.s3.bucket.seen().size();
  world_.options.parallel_reads = 8;
  world_.s3.bucket.set_latency_ns(2'000'000);
  ASSERT_TRUE(world_.open().ok());
  const auto asked = requests(before);
  EXPECT_EQ(world_.read().size(), kGenerations * 5u);
  size_t tails = 0;
  size_t changes = 0;
  for (const auto& [request, count] : asked) {
    const auto& [op, key] = request;
    if (op != "get") continue;
    EXPECT_EQ(count, 1) << key;
    tails += key.find("/segments/") != std::string::npos ? 1 : 0;
    changes += key.find("/manifest/") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(tails, static_cast<size_t>(kGenerations));
  EXPECT_EQ(changes, kGenerations + 1u);
  EXPECT_GT(world_.s3.bucket.most_at_once(), 1u);
  EXPECT_LE(world_.s3.bucket.most_at_once(), 8u);
}

TEST_F(S3RecoveryTest, WhereTheDiskIsStillThereTheManifestIsNotReadAgain) {
  ASSERT_TRUE(world_.open().ok());
  fill(10);
  world_.close();
  const size_t again = world_.s3.bucket.seen().size();
  ASSERT_TRUE(world_.open().ok());
  size_t changes = 0;
  for (const auto& [request, count] : requests(again)) {
    changes += request.first == "get" && request.second.find("/manifest/") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(changes, 1u) << "the newest one, to see that it is the one we know";
}

TEST_F(S3RecoveryTest, SnapshotsComeFirst) {
  // 300 changes, one snapshot on the way.
  ASSERT_TRUE(world_.open_store().ok());
  {
    auto catalog =
        Catalog::open(world_.s3.fs, *world_.s3.store, {.sqlite_path = world_.catalog_path()}, *world_.s3.log);
    ASSERT_TRUE(catalog.ok());
    for (uint64_t n = 1; n <= 300; ++n) {
      CatalogChange change;
      change.generations_done = {{n, 0}};
      ASSERT_TRUE((*catalog)->commit(change).ok());
    }
  }
  world_.lose_disk();
  const size_t before = world_.s3.bucket.seen().size();
  auto catalog = Catalog::open(world_.s3.fs, *world_.s3.store,
                               {.sqlite_path = world_.catalog_path(), .parallel_reads = 8}, *world_.s3.log);
  ASSERT_TRUE(catalog.ok());
  EXPECT_EQ((*catalog)->last_generation_done(), 300u);
  size_t reads = 0;
  for (const auto& [request, count] : requests(before))
    reads += request.first == "get" ? static_cast<size_t>(count) : 0;
  EXPECT_LE(reads, 1 + 301u - 256u);
}

}  // namespace
}  // namespace cordwood
