// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/sim/chosen_seeds.h"
#include "tests/sim/take_over_run.h"

namespace cordwood {
namespace {

constexpr uint64_t kTakeOverShards = 4;
constexpr uint64_t kTakeOverSeedsPerShard = 150;
/// <n> or <n>-<m> in it runs those histories alone.
constexpr const char* kTakeOverSeedVariable = "CORDWOOD_SIM_TAKE_OVER_SEED";

class TakeOverTest : public testing::TestWithParam<uint64_t> {};

TEST_P(TakeOverTest, AMachineThatComesBackLosesNothing) {
  TakeOverReport sum;
  for (uint64_t i = 0; i < kTakeOverSeedsPerShard; ++i) {
    const uint64_t seed = 1 + i * kTakeOverShards + GetParam();
    const TakeOverReport report = run_take_overs({seed, i % 2 == 0});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with " << kTakeOverSeedVariable << "=" << seed;
    sum += report;
  }
  // The histories must hold what they are there for.
  EXPECT_GT(sum.acknowledged, kTakeOverSeedsPerShard * 100);
  EXPECT_GT(sum.acknowledged_by_disk, kTakeOverSeedsPerShard * 50);
  EXPECT_GT(sum.refused, kTakeOverSeedsPerShard);
  EXPECT_GT(sum.take_overs, kTakeOverSeedsPerShard * 3);
  EXPECT_GT(sum.displaced, kTakeOverSeedsPerShard);
  EXPECT_GT(sum.left_out, kTakeOverSeedsPerShard / 10);
  EXPECT_GT(sum.cuts_in_starts, kTakeOverSeedsPerShard / 10);
  EXPECT_GT(sum.disks_lost, kTakeOverSeedsPerShard / 2);
  EXPECT_GT(sum.merges, kTakeOverSeedsPerShard / 2);
  EXPECT_GT(sum.deletes, kTakeOverSeedsPerShard / 2);
  EXPECT_GT(sum.bucket_faults, kTakeOverSeedsPerShard);
}

/// The same where the one before may still be at work, and no lease keeps it from that.
TEST_P(TakeOverTest, AMachineThatIsStillThereDoesNoHarm) {
  TakeOverReport sum;
  for (uint64_t i = 0; i < kTakeOverSeedsPerShard; ++i) {
    const uint64_t seed = 100'001 + i * kTakeOverShards + GetParam();
    const TakeOverReport report = run_take_overs({seed, i % 2 == 0, true});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with " << kTakeOverSeedVariable << "=" << seed;
    sum += report;
  }
  EXPECT_GT(sum.stopped, kTakeOverSeedsPerShard / 2);
  EXPECT_GT(sum.displaced, kTakeOverSeedsPerShard);
  EXPECT_GT(sum.deletes, kTakeOverSeedsPerShard / 2);
  EXPECT_GT(sum.merges, kTakeOverSeedsPerShard / 2);
}

INSTANTIATE_TEST_SUITE_P(Shards, TakeOverTest, testing::Range<uint64_t>(0, kTakeOverShards));

TEST(TakeOverSeed, Chosen) {
  const auto seeds = chosen_seeds(kTakeOverSeedVariable);
  if (!seeds) GTEST_SKIP() << kTakeOverSeedVariable << " is not set";
  TakeOverReport sum;
  for (uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    for (const int kind : {0, 1, 2, 3}) {
      const TakeOverReport report = run_take_overs({seed, kind % 2 == 1, kind >= 2});
      EXPECT_FALSE(report.failure) << "seed " << seed << ", kind " << kind << ": " << *report.failure;
      sum += report;
    }
  }
  RecordProperty("displaced", static_cast<int>(sum.displaced));
}

}  // namespace
}  // namespace cordwood
