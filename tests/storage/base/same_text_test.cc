// SPDX-License-Identifier: Apache-2.0
#include "storage/base/same_text.h"

#include <gtest/gtest.h>

#include <string>

namespace cordwood {
namespace {

TEST(SameText, SeesEveryByteOfEverySize) {
  for (size_t size = 0; size <= 70; ++size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text.push_back(static_cast<char>('a' + i % 26));
    // Copies on the heap, so that a look beyond them is found.
    EXPECT_TRUE(same_text(text, std::string(text))) << size;
    EXPECT_FALSE(same_text(text, text + "a")) << size;
    for (size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ 0x80);
      EXPECT_FALSE(same_text(text, other)) << "byte " << i << " of " << size;
    }
  }
}

}  // namespace
}  // namespace cordwood
