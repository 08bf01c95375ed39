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

/// Whatever a frame's mode and width, values read at once, as ids and by a test are those that are read one by one.
TEST(ColumnInts, ReadsAtOnceWhatItReadsOneByOne) {
  std::mt19937_64 random(5);
  const auto f = [](const std::vector<int64_t>& values, bool grouped) {
    IntEncoderBuffers buffers;
    std::string bytes;
    grouped ? encode_grouped_ints(values, &buffers, &bytes) : encode_ints(values, &buffers, &bytes);
    const auto count = static_cast<uint32_t>(values.size());
    SCOPED_TRACE(testing::Message() << count << " values, mode " << int{bytes[0]});
    bytes.append(kPadding, '\0');
    const std::string_view data = std::string_view(bytes).substr(0, bytes.size() - kPadding);
    const auto frame = IntFrame::parse(data, count);
    ASSERT_TRUE(frame.ok());
    std::vector<int64_t> one_by_one, at_once(count);
    for (uint32_t i = 0; i < count; ++i) one_by_one.push_back(frame->get(i));
    ASSERT_TRUE(IntFrame::decode(data, count, at_once.data()).ok());
    EXPECT_EQ(one_by_one, values);
    EXPECT_EQ(at_once, values);

    constexpr uint32_t kFirst = 70;
    RowBits found(kFirst + count), expected(kFirst + count);
    const int64_t middle = values[count / 2];
    for (uint32_t i = 0; i < count; ++i)
      if (values[i] >= middle) expected.set(kFirst + i);
    ASSERT_TRUE(IntFrame::find(
                    data, count, [middle](int64_t v) { return v >= middle; }, kFirst, &found)
                    .ok());
    EXPECT_EQ(found.count(), expected.count());
    found.remove(expected);
    EXPECT_TRUE(found.none());

    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    if (*most >= UINT32_MAX) return;
    std::vector<uint32_t> ids(count);
    const auto bound = static_cast<uint32_t>(std::max<int64_t>(*most, 0));
    EXPECT_FALSE(IntFrame::decode_ids(data, count, bound, ids.data()).ok()) << "the largest is out of range";
    EXPECT_EQ(IntFrame::decode_ids(data, count, bound + 1, ids.data()).ok(), *least >= 0);
    if (*least >= 0) {
      EXPECT_TRUE(std::equal(ids.begin(), ids.end(), values.begin(), values.end()));
    }
  };
  for (uint32_t width = 0; width <= 64; ++width) {
    const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
    for (const size_t count : {1u, 7u, 8u, 9u, 200u, 4096u}) {
      std::vector<int64_t> values;
      for (size_t i = 0; i < count; ++i) values.push_back(static_cast<int64_t>(random() & mask));
      f(values, false);
      f(values, true);
      if (width > 40) continue;
      std::sort(values.begin(), values.end());
      f(values, false);
      for (int64_t& value : values) value -= static_cast<int64_t>(mask / 2);
      f(values, true);
    }
  }
}

}  // namespace
}  // namespace cordwood
