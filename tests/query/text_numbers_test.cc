// SPDX-License-Identifier: Apache-2.0
#include "query/text_numbers.h"

#include <gtest/gtest.h>

#include <string>

namespace cordwood::query {
namespace {

TEST(TextNumbers, CountsTextsUpAndKnowsThemAgain) {
  TextNumbers numbers;
  const auto text = [](uint32_t i) { return std::string(i % 40, 'x') + std::to_string(i); };
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < 20'000; ++i) {
      bool is_new = round == 1;
      ASSERT_EQ(numbers.number(text(i), &is_new), i);
      ASSERT_EQ(is_new, round == 0) << i;
    }
  }
  for (uint32_t i = 0; i < 20'000; ++i) ASSERT_EQ(numbers.text(i), text(i));
  numbers.clear();
  EXPECT_EQ(numbers.size(), 0u);
  bool is_new = false;
  EXPECT_EQ(numbers.number("", &is_new), 0u);
  EXPECT_TRUE(is_new) << "an empty text is one like others";
  EXPECT_EQ(numbers.number(text(7), &is_new), 1u);
  EXPECT_EQ(numbers.number("", &is_new), 0u);
  EXPECT_FALSE(is_new);
  EXPECT_EQ(numbers.text(0), "");
}

}  // namespace
}  // namespace cordwood::query
