// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/take_over_run.h"

namespace cordwood {
namespace {

constexpr uint64_t kShards = 4;
constexpr uint64_t kSeedsPerShard = 150;

class TakeOverTest : public testing::TestWithParam<uint64_t> {};

/// CORDWOOD_SIM_TAKE_OVER_SEED=<n> or <n>-<m> runs those histories alone.
TEST_P(TakeOverTest, AMachineThatComesBackLosesNothing) {
  TakeOverReport sum;
  for (uint64_t i = 0; i < kSeedsPerShard; ++i) {
    const uint64_t seed = 1 + i * kShards + GetParam();
    const TakeOverReport report = run_take_overs({seed, i % 2 == 0});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with CORDWOOD_SIM_TAKE_OVER_SEED=" << seed;
    sum += report;
  }
  // The histories must hold what they are there for.
  EXPECT_GT(sum.acknowledged, kSeedsPerShard * 100);
  EXPECT_GT(sum.acknowledged_by_disk, kSeedsPerShard * 50);
  EXPECT_GT(sum.refused, kSeedsPerShard);
  EXPECT_GT(sum.take_overs, kSeedsPerShard * 3);
  EXPECT_GT(sum.displaced, kSeedsPerShard);
  EXPECT_GT(sum.left_out, kSeedsPerShard / 10);
  EXPECT_GT(sum.cuts_in_starts, kSeedsPerShard / 10);
  EXPECT_GT(sum.disks_lost, kSeedsPerShard / 2);
  EXPECT_GT(sum.merges, kSeedsPerShard / 2);
  EXPECT_GT(sum.deletes, kSeedsPerShard / 2);
  EXPECT_GT(sum.bucket_faults, kSeedsPerShard);
}

/// The same where the one before may still be at work, and no lease keeps it from that.
TEST_P(TakeOverTest, AMachineThatIsStillThereDoesNoHarm) {
  TakeOverReport sum;
  for (uint64_t i = 0; i < kSeedsPerShard; ++i) {
    const uint64_t seed = 100'001 + i * kShards + GetParam();
    const TakeOverReport report = run_take_overs({seed, i % 2 == 0, true});
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with CORDWOOD_SIM_TAKE_OVER_SEED=" << seed;
    sum += report;
  }
  EXPECT_GT(sum.stopped, kSeedsPerShard / 2);
  EXPECT_GT(sum.displaced, kSeedsPerShard);
  EXPECT_GT(sum.deletes, kSeedsPerShard / 2);
  EXPECT_GT(sum.merges, kSeedsPerShard / 2);
}

INSTANTIATE_TEST_SUITE_P(Shards, TakeOverTest, testing::Range<uint64_t>(0, kShards));

TEST(TakeOverSeed, Chosen) {
  const char* text = std::getenv("CORDWOOD_SIM_TAKE_OVER_SEED");
  if (text == nullptr) GTEST_SKIP() << "CORDWOOD_SIM_TAKE_OVER_SEED is not set";
  char* rest = nullptr;
  const uint64_t first = std::strtoull(text, &rest, 10);
  const uint64_t last = *rest == '-' ? std::strtoull(rest + 1, nullptr, 10) : first;
  TakeOverReport sum;
  for (uint64_t seed = first; seed <= last; ++seed) {
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
