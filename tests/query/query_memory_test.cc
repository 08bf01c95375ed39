// SPDX-License-Identifier: Apache-2.0
#include "query/query_memory.h"

#include <gtest/gtest.h>

namespace cordwood::query {
namespace {

constexpr uint64_t kMb = 1 << 20;

MemoryAccountant::Limits share_of(uint64_t bytes) {
  MemoryAccountant::Limits limits;
  limits.bytes[static_cast<size_t>(MemoryShare::query)] = bytes;
  return limits;
}

TEST(QueryMemory, OneQueryStaysBelowItsLimit) {
  const auto f = [](uint64_t limit, uint64_t most) {
    MemoryAccountant accountant(share_of(64 * kMb));
    QueryMemory memory(&accountant, limit);
    for (uint64_t i = 0; i < most; ++i) EXPECT_TRUE(memory.add(kMb).ok()) << limit << " " << i;
    const auto over = memory.add(kMb);
    ASSERT_FALSE(over.ok()) << limit;
    EXPECT_EQ(over.error().kind, ErrorKind::invalid);
    EXPECT_NE(over.error().message.find("the query would use too much memory (query: "), std::string::npos);
  };
  f(10 * kMb, 10);
  f(48 * kMb, 48);
  f(0, 48);
  f(1000 * kMb, 48);
}

TEST(QueryMemory, WhatIsReleasedCanBeUsedAgain) {
  MemoryAccountant accountant(share_of(64 * kMb));
  {
    QueryMemory memory(&accountant, 4 * kMb);
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(memory.add(3 * kMb).ok());
      memory.release(3 * kMb);
    }
    EXPECT_LE(accountant.used(MemoryShare::query), 4 * kMb);
  }
  EXPECT_EQ(accountant.used(MemoryShare::query), 0u);
}

TEST(QueryMemory, LargeOnesLeaveSomeForSmallOnes) {
  MemoryAccountant accountant(share_of(64 * kMb));
  QueryMemory first(&accountant, 0), second(&accountant, 0), small(&accountant, 0);
  ASSERT_TRUE(first.add(40 * kMb).ok());
  Result<void> refused;
  while (refused.ok()) refused = second.add(kMb);
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(refused.error().message.find("memory share 'query' is used up by other queries: "), 0u)
      << refused.error().message;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(small.add(kMb).ok()) << "of the last eighth";
}

TEST(QueryMemory, WithoutAnAccountNothingIsRefused) {
  QueryMemory memory(nullptr, 10);
  EXPECT_TRUE(memory.add(1ull << 40).ok());
}

}  // namespace
}  // namespace cordwood::query
