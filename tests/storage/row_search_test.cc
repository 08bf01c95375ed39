// SPDX-License-Identifier: Apache-2.0
#include "storage/row_search.h"

#include <gtest/gtest.h>

namespace cordwood {
namespace {

TEST(RowBits, FindsTheNextRow) {
  RowBits bits(200);
  EXPECT_TRUE(bits.none());
  EXPECT_EQ(bits.next(0), 200u);
  for (const uint32_t row : {0u, 63u, 64u, 199u}) bits.set(row);
  EXPECT_EQ(bits.count(), 4u);
  std::vector<uint32_t> rows;
  for (uint32_t row = bits.next(0); row < bits.rows(); row = bits.next(row + 1)) rows.push_back(row);
  EXPECT_EQ(rows, (std::vector<uint32_t>{0, 63, 64, 199}));
  EXPECT_EQ(bits.previous(199), 199u);
  EXPECT_EQ(bits.previous(198), 64u);
  EXPECT_EQ(bits.previous(63), 63u);
  EXPECT_EQ(bits.previous(62), 0u);
  EXPECT_EQ(RowBits(70).previous(69), 70u);
  EXPECT_TRUE(bits.test(63));
  EXPECT_FALSE(bits.test(62));
}

}  // namespace
}  // namespace cordwood
