// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/sim/chosen_seeds.h"
#include "tests/sim/lease_run.h"

namespace cordwood {
namespace {

constexpr uint64_t kLeaseShards = 4;
constexpr uint64_t kLeaseSeedsPerShard = 80;
/// <n> or <n>-<m> in it runs those histories alone.
constexpr const char* kLeaseSeedVariable = "CORDWOOD_SIM_LEASE_SEED";

/// Of four: with deletes or without, on a bucket that overwrites (mostly) or one that does not.
LeaseRunOptions options_of(uint64_t seed, uint64_t kind) {
  return {seed, kind % 2 == 1, kind % 4 == 3};
}

class LeaseTest : public testing::TestWithParam<uint64_t> {};

TEST_P(LeaseTest, OneAloneWritesAndNothingIsLost) {
  LeaseRunReport sum;
  for (uint64_t i = 0; i < kLeaseSeedsPerShard; ++i) {
    const uint64_t seed = 1 + i * kLeaseShards + GetParam();
    const LeaseRunReport report = run_lease(options_of(seed, i));
    ASSERT_FALSE(report.failure) << *report.failure << "\n  again with " << kLeaseSeedVariable << "=" << seed;
    sum += report;
  }
  // The histories must hold what they are there for.
  EXPECT_GT(sum.acknowledged, kLeaseSeedsPerShard * 20);
  EXPECT_GT(sum.acknowledged_by_disk, kLeaseSeedsPerShard * 10);
  EXPECT_GT(sum.refused, kLeaseSeedsPerShard);
  EXPECT_GT(sum.held, kLeaseSeedsPerShard * 3);
  EXPECT_GT(sum.lapsed, kLeaseSeedsPerShard / 2);
  EXPECT_GT(sum.lost, kLeaseSeedsPerShard / 5);
  EXPECT_GT(sum.killed, kLeaseSeedsPerShard / 2);
  EXPECT_GT(sum.stalled, kLeaseSeedsPerShard / 4);
  EXPECT_GT(sum.faults, kLeaseSeedsPerShard * 5);
  EXPECT_GT(sum.late, kLeaseSeedsPerShard / 4);
  EXPECT_GT(sum.disks_lost, kLeaseSeedsPerShard / 10);
  EXPECT_GT(sum.merges, kLeaseSeedsPerShard / 10);
  EXPECT_GT(sum.deletes, kLeaseSeedsPerShard / 2);
}

INSTANTIATE_TEST_SUITE_P(Shards, LeaseTest, testing::Range<uint64_t>(0, kLeaseShards));

TEST(LeaseSeed, Chosen) {
  const auto seeds = chosen_seeds(kLeaseSeedVariable);
  if (!seeds) GTEST_SKIP() << kLeaseSeedVariable << " is not set";
  LeaseRunReport sum;
  for (uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    for (uint64_t kind = 0; kind < 4; ++kind) {
      const LeaseRunReport report = run_lease(options_of(seed, kind));
      sum += report;
      EXPECT_FALSE(report.failure) << "seed " << seed << ", kind " << kind << ": " << *report.failure;
    }
  }
  RecordProperty("late", static_cast<int>(sum.late));
}

}  // namespace
}  // namespace cordwood
