// SPDX-License-Identifier: Apache-2.0
#include "storage/column_ints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace cordwood {
namespace {

constexpr size_t kPadding = 16;

std::vector<int64_t> round_trip(const std::vector<int64_t>& values, uint8_t* mode) {
  IntEncoderBuffers buffers;
  std::string bytes;
  encode_ints(values, &buffers, &bytes);
  *mode = static_cast<uint8_t>(bytes[0]);
  const size_t size = bytes.size();
  bytes.append(kPadding, '\0');
  const auto frame = IntFrame::parse(std::string_view(bytes).substr(0, size), static_cast<uint32_t>(values.size()));
  EXPECT_TRUE(frame.ok());
  std::vector<int64_t> back(values.size());
  if (frame.ok()) frame->decode(back.data());
  return back;
}

/// Few values near one another and few far apart come back the same, in a table; many do not need one.
TEST(ColumnInts, ValuesNearAndFarComeBack) {
  std::mt19937_64 random(3);
  constexpr uint8_t kTable = 2;
  const auto f = [&random](size_t count, size_t distinct, uint64_t extent, int64_t base, bool want_table) {
    SCOPED_TRACE(testing::Message() << count << " of " << distinct << " in " << extent);
    std::vector<int64_t> different;
    for (size_t i = 0; i < distinct; ++i)
      different.push_back(base + static_cast<int64_t>(i == 0 ? 0 : i == 1 ? extent : random() % extent));
    std::vector<int64_t> values(different);
    while (values.size() < count) values.push_back(different[random() % distinct]);
    std::shuffle(values.begin(), values.end(), random);
    uint8_t mode = 0;
    EXPECT_EQ(round_trip(values, &mode), values);
    EXPECT_EQ(mode == kTable, want_table);
  };
  for (const uint64_t extent : {500ull, 4094ull, 4095ull, 4096ull, 1'000'000ull, 1ull << 40}) {
    for (const int64_t base : {int64_t{200}, int64_t{-2000}}) {
      f(4096, 7, extent, base, true);
      f(4096, 2, extent, base, true);
      f(3000, 3000, extent, base, false);
      f(100, 99, extent, base, false);
    }
  }
  f(4096, 120, 4000, INT64_MIN, true);
  f(4096, 120, 4000, INT64_MAX - 4000, true);
  f(4096, 5, 3, 10, false);
}

}  // namespace
}  // namespace cordwood
