// SPDX-License-Identifier: Apache-2.0
#include "storage/change_log.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace cordwood {
namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
constexpr int64_t kAll = std::numeric_limits<int64_t>::min();

TEST(ChangeLog, TellsTheOldestTimeSinceAVersion) {
  ChangeLog log;
  EXPECT_EQ(log.oldest_since("a", 0), kNone);
  log.note("a", 100);
  log.note("a", 200);
  const uint64_t between = log.version();
  log.note("b", 7);
  log.note("a", 150);
  EXPECT_EQ(log.oldest_since("a", 0), 100);
  EXPECT_EQ(log.oldest_since("a", between), 150) << "late rows count";
  EXPECT_EQ(log.oldest_since("b", between), 7);
  EXPECT_EQ(log.oldest_since("a", log.version()), kNone);
  log.note_all();
  EXPECT_EQ(log.oldest_since("a", between), kAll);
  EXPECT_EQ(log.oldest_since("nobody", between), kAll);
  EXPECT_EQ(log.oldest_since("a", log.version()), kNone);
}

TEST(ChangeLog, IsNeverTooYoungHoweverMuchItForgets) {
  std::mt19937 random(3);
  ChangeLog log;
  std::vector<int64_t> noted;  // by version - 1
  for (int64_t i = 0; i < 5000; ++i) {
    noted.push_back(i * 10 - static_cast<int64_t>(random() % (random() % 50 == 0 ? 5000 : 20)));
    log.note("a", noted.back());
  }
  int64_t oldest = kNone;
  for (uint64_t version = noted.size(); version-- > 0;) {
    oldest = std::min(oldest, noted[version]);
    ASSERT_LE(log.oldest_since("a", version), oldest) << version;
    // What came last is known as it was.
    if (noted.size() - version < 20) {
      ASSERT_EQ(log.oldest_since("a", version), oldest) << version;
    }
  }
}

}  // namespace
}  // namespace cordwood
