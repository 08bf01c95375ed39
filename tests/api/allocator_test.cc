// SPDX-License-Identifier: Apache-2.0
#include "api/allocator.h"

#include <gtest/gtest.h>

namespace cordwood::api {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(TrimPolicyTest, GivesBackAtOnceWhenMuchCame) {
  TrimPolicy policy;
  EXPECT_FALSE(policy.due(200 * kMiB));
  EXPECT_FALSE(policy.due(231 * kMiB));
  EXPECT_TRUE(policy.due(232 * kMiB));
  policy.trimmed(210 * kMiB);
  EXPECT_FALSE(policy.due(232 * kMiB));
  EXPECT_TRUE(policy.due(242 * kMiB));
}

TEST(TrimPolicyTest, CountsFromTheLeastThatThereWas) {
  TrimPolicy policy;
  EXPECT_FALSE(policy.due(200 * kMiB));
  EXPECT_FALSE(policy.due(100 * kMiB));
  EXPECT_TRUE(policy.due(140 * kMiB));
}

TEST(TrimPolicyTest, GivesLittleBackAfterAWhile) {
  TrimPolicy policy;
  EXPECT_FALSE(policy.due(100 * kMiB));
  for (int second = 1; second < 29; ++second) EXPECT_FALSE(policy.due(110 * kMiB)) << second;
  EXPECT_TRUE(policy.due(110 * kMiB));
  policy.trimmed(101 * kMiB);
  for (int second = 0; second < 100; ++second) EXPECT_FALSE(policy.due(103 * kMiB)) << second;
}

}  // namespace
}  // namespace cordwood::api
