// SPDX-License-Identifier: Apache-2.0
#include "storage/base/find_bytes.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace cordwood {
namespace {

TEST(FindBytes, FindsWhatStringFindDoes) {
  std::mt19937_64 random(20);
  for (int round = 0; round < 20'000; ++round) {
    // Few letters, so that much looks right and is not.
    const auto letters = [&](size_t size) {
      std::string text;
      while (text.size() < size) text += static_cast<char>('a' + random() % (2 + round % 3));
      return text;
    };
    const std::string text = letters(random() % 120), needle = letters(random() % 12);
    // A copy that ends where its memory does: nothing behind it may be read.
    const std::unique_ptr<char[]> exact(new char[text.size()]);
    text.copy(exact.get(), text.size());
    const char* found = find_bytes({exact.get(), text.size()}, needle);
    const size_t want = text.find(needle);
    ASSERT_EQ(found == nullptr ? std::string::npos : static_cast<size_t>(found - exact.get()), want)
        << text << " / " << needle;
  }
}

TEST(FindBytes, ManyPlacesThatLookRight) {
  const std::string text(1 << 20, 'a');
  const std::string needle = std::string(5000, 'a') + "b" + std::string(5000, 'a');
  EXPECT_EQ(find_bytes(text, needle), nullptr);
  const std::string with = text + needle + text;
  EXPECT_EQ(find_bytes(with, needle), with.data() + text.size());
}

}  // namespace
}  // namespace cordwood
