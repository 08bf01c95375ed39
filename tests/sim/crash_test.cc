// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/sim/chosen_seeds.h"
#include "tests/sim/crash_run.h"

namespace cordwood {
namespace {

constexpr uint64_t kShards = 8;
constexpr uint64_t kSeedsPerShard = 140;
constexpr uint64_t kBucketSeedsPerShard = 40;
constexpr uint64_t kCanarySeeds = 300;
constexpr uint64_t kDerivedSeeds = 60;

/// <n> or <n>-<m> in these runs those histories alone: as they are, with deletes, with a bucket.
constexpr const char* kSeedVariable = "CORDWOOD_SIM_SEED";
constexpr const char* kDeleteSeedVariable = "CORDWOOD_SIM_DELETE_SEED";
constexpr const char* kBucketSeedVariable = "CORDWOOD_SIM_BUCKET_SEED";

class CrashTest : public testing::TestWithParam<uint64_t> {};

TEST_P(CrashTest, AcknowledgedRowsAreThereOnceAndInOrder) {
  if (chosen_seeds(kSeedVariable)) GTEST_SKIP() << "other seeds were asked for";
  CrashRunReport sum;
  for (uint64_t i = 0; i < kSeedsPerShard; ++i) {
    const uint64_t seed = 1 + i * kShards + GetParam();
    const CrashRunReport report = run_crashes({seed, "", false});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with " << kSeedVariable << "=" << seed;
    sum += report;
  }
  // The histories must hold what they are there for.
  EXPECT_GT(sum.acknowledged, kSeedsPerShard * 20);
  EXPECT_GT(sum.refused, kSeedsPerShard / 4);
  EXPECT_GT(sum.power_cuts, kSeedsPerShard);
  EXPECT_GT(sum.cuts_in_recovery, kSeedsPerShard / 10);
  EXPECT_GT(sum.kills, kSeedsPerShard / 10);
  EXPECT_GT(sum.published, kSeedsPerShard);
  EXPECT_GT(sum.merges, kSeedsPerShard);
  EXPECT_GT(sum.cuts_in_merges, kSeedsPerShard / 10);
  EXPECT_GT(sum.day_tables, kSeedsPerShard / 10);
}

/// The same with rows that are deleted and held: none of them is read again, nothing else is lost.
TEST_P(CrashTest, DeletedRowsAreNeverSeenAgain) {
  if (chosen_seeds(kSeedVariable)) GTEST_SKIP() << "other seeds were asked for";
  CrashRunReport sum;
  for (uint64_t i = 0; i < kSeedsPerShard; ++i) {
    const uint64_t seed = 100'001 + i * kShards + GetParam();
    const CrashRunReport report = run_crashes({seed, "", true});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with " << kDeleteSeedVariable << "=" << seed;
    sum += report;
  }
  EXPECT_GT(sum.deletes, kSeedsPerShard);
  EXPECT_GT(sum.processed, kSeedsPerShard / 2);
  EXPECT_GT(sum.holds, kSeedsPerShard / 2);
  EXPECT_GT(sum.rewrites, kSeedsPerShard / 4);
  EXPECT_GT(sum.power_cuts, kSeedsPerShard);
}

/// The home is a bucket that fails, and now and then the disk is another one.
TEST_P(CrashTest, TheBucketGivesBackWhatWasAcknowledged) {
  if (chosen_seeds(kSeedVariable)) GTEST_SKIP() << "other seeds were asked for";
  CrashRunReport sum;
  for (uint64_t i = 0; i < kBucketSeedsPerShard; ++i) {
    const uint64_t seed = 200'001 + i * kShards + GetParam();
    const CrashRunReport report = run_crashes({seed, "", i % 2 == 0, true});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with " << kBucketSeedVariable << "=" << seed;
    sum += report;
  }
  EXPECT_GT(sum.acknowledged, kBucketSeedsPerShard * 20);
  EXPECT_GT(sum.refused, kBucketSeedsPerShard);
  EXPECT_GT(sum.power_cuts, kBucketSeedsPerShard / 2);
  EXPECT_GT(sum.published, kBucketSeedsPerShard);
  EXPECT_GT(sum.merges, kBucketSeedsPerShard / 2);
  EXPECT_GT(sum.day_tables, 0u);
  EXPECT_GT(sum.bucket_faults, kBucketSeedsPerShard * 4);
  EXPECT_GT(sum.disks_lost, kBucketSeedsPerShard / 4);
}

INSTANTIATE_TEST_SUITE_P(Shards, CrashTest, testing::Range<uint64_t>(0, kShards));

TEST(CrashSeed, ChosenWithBucket) {
  const auto seeds = chosen_seeds(kBucketSeedVariable);
  if (!seeds) GTEST_SKIP() << kBucketSeedVariable << " is not set";
  for (uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    for (const bool deletes : {true, false}) {
      const CrashRunReport report = run_crashes({seed, "", deletes, true});
      EXPECT_FALSE(report.failure) << "seed " << seed << (deletes ? " with deletes: " : ": ") << *report.failure;
    }
  }
}

TEST(CrashSeed, ChosenWithDeletes) {
  const auto seeds = chosen_seeds(kDeleteSeedVariable);
  if (!seeds) GTEST_SKIP() << kDeleteSeedVariable << " is not set";
  for (uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    const CrashRunReport report = run_crashes({seed, "", true});
    EXPECT_FALSE(report.failure) << "seed " << seed << ": " << *report.failure;
  }
}

TEST(CrashSeed, Chosen) {
  const auto seeds = chosen_seeds(kSeedVariable);
  if (!seeds) GTEST_SKIP() << kSeedVariable << " is not set";
  for (uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    const CrashRunReport report = run_crashes({seed, "", false});
    EXPECT_FALSE(report.failure) << "seed " << seed << ": " << *report.failure;
  }
}

/// A delete and a push of the same nanosecond, in a log that was taken for another machine's.
TEST(CrashSeed, ThatLostRowsOnce) {
  for (const uint64_t seed : {uint64_t{286}}) {
    const CrashRunReport report = run_crashes({seed, "", true});
    EXPECT_FALSE(report.failure) << "seed " << seed << ": " << *report.failure;
  }
  for (const uint64_t seed : {uint64_t{545}, uint64_t{200'351}, uint64_t{201'248}}) {
    const CrashRunReport report = run_crashes({seed, "", true, true});
    EXPECT_FALSE(report.failure) << "seed " << seed << " with a bucket: " << *report.failure;
  }
}

/// A store that leaves out one kind of sync must be found out.
TEST(CrashCanary, MissingSyncsAreFound) {
  if (chosen_seeds(kSeedVariable)) GTEST_SKIP() << "other seeds were asked for";
  for (const char* part : {"data/wal/", "data/wal", "data/objects/manifest", "data/objects/segments"}) {
    std::optional<std::string> failure;
    for (uint64_t seed = 1; seed <= kCanarySeeds && !failure; ++seed)
      failure = run_crashes({seed, part, false}).failure;
    ASSERT_TRUE(failure) << "nobody noticed that syncs of " << part << " do nothing";
    const bool is_loss = failure->find("gone") != std::string::npos || failure->find("lost") != std::string::npos;
    EXPECT_TRUE(is_loss) << part << ": " << *failure;
  }
}

/// What is derived from other files may be lost at any time.
TEST(CrashCanary, SyncsOfDerivedFilesDoNotMatter) {
  if (chosen_seeds(kSeedVariable)) GTEST_SKIP() << "other seeds were asked for";
  for (const char* part : {"data/catalog.sqlite", "data/spill"}) {
    for (uint64_t seed = 1; seed <= kDerivedSeeds; ++seed) {
      const CrashRunReport report = run_crashes({seed, part, false});
      ASSERT_FALSE(report.failure) << part << ", seed " << seed << ": " << *report.failure;
    }
  }
}

}  // namespace
}  // namespace cordwood
