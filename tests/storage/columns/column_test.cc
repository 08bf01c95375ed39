// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>

#include "storage/block_entry.h"
#include "storage/column_ints.h"
#include "storage/column_text.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::Rows;

/// Puts the texts into a json column, checks that they come back, returns what the block knows of the column.
ColumnMeta column_of(const std::vector<std::string>& texts, int64_t step_ns = 1'000'000'000) {
  static BlockBuilder builder({});
  Rows rows;
  int64_t time = 1'700'000'000'000'000'000;
  for (const std::string& text : texts) {
    rows.add("{\"k\":" + text + "}", time);
    time += step_ns;
  }
  const EncodedBlock block = samples::round_trip(&rows, &builder);
  const EntryParts parts = decode_entry(block.entry).value();
  const BlockDirectory d = decode_directory(unpack_part(parts.directory).value(), parts.summary).value();
  EXPECT_EQ(block.forms.rows[1], texts.size());
  for (const ColumnMeta& c : d.columns)
    if (c.source == ColumnSource::json) return c;
  return {};
}

std::vector<std::string> generate(int count, const std::function<std::string(int)>& make) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back(make(i));
  return texts;
}

uint64_t scramble(int i) {
  return static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15ull;
}

TEST(ColumnTest, TypesFollowTheCells) {
  const auto f = [](ColumnType want, int count, const std::function<std::string(int)>& make) {
    const ColumnMeta c = column_of(generate(count, make));
    EXPECT_EQ(c.type, want) << to_string(c.type) << " for cells like " << make(1);
    EXPECT_EQ(c.cells, static_cast<uint32_t>(count));
    return c;
  };
  f(ColumnType::constant, 500, [](int) { return "7"; });
  f(ColumnType::constant, 1, [](int) { return R"("only")"; });
  f(ColumnType::shared, 3, [](int i) { return std::to_string(i); });
  f(ColumnType::integer, 5000, [](int i) { return std::to_string(static_cast<int64_t>(scramble(i))); });
  f(ColumnType::integer, 5000, [](int i) { return std::to_string(i % 3 * 100 + 200); });
  f(ColumnType::decimal, 5000, [](int i) { return fmt::format("{:.3f}", i * 0.137); });
  EXPECT_EQ(f(ColumnType::decimal, 5000, [](int i) { return fmt::format("{}", i / 8.0); }).flags, kTrimmedZeros);
  f(ColumnType::hex, 5000, [](int i) { return fmt::format("\"{:016x}{:016x}\"", scramble(i), scramble(i + 9)); });
  f(ColumnType::hex, 5000, [](int i) { return fmt::format("\"{:016X}\"", scramble(i)); });
  f(ColumnType::hex, 5000, [](int i) { return fmt::format("\"{:015x}\"", scramble(i) >> 4); });
  f(ColumnType::dictionary, 5000, [](int i) { return fmt::format("\"{:016x}\"", scramble(i % 7)); });
  f(ColumnType::uuid, 5000, [](int i) {
    const uint64_t a = scramble(i);
    return fmt::format("\"{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}\"", a >> 32, a & 0xffff, i & 0xfff, i & 0xfff, a >> 16);
  });
  f(ColumnType::ipv4, 5000, [](int i) { return fmt::format("\"10.{}.{}.{}\"", i % 199, i % 251, i * 7 % 255); });
  f(ColumnType::dictionary, 5000, [](int i) { return fmt::format("\"{}\"", i % 2 == 0 ? "GET" : "POST"); });
  f(ColumnType::dictionary, 5000, [](int i) { return fmt::format("\"10.0.{}.{}\"", i % 7, i % 11); });
  // A text comes back three times, now and then.
  f(ColumnType::dictionary, 9000, [](int i) {
    const int page = static_cast<int>((scramble(i) >> 20) % 3500);
    return fmt::format("\"GET /shop/{:x}/{:x}?at={:x} HTTP/1.1\"", scramble(page), scramble(page + 1), scramble(~page));
  });
  f(ColumnType::pattern, 5000, [](int i) { return fmt::format("\"u{}\"", scramble(i) % 1000000); });
  f(ColumnType::pattern, 5000, [](int i) { return fmt::format("\"took {}ms for {:05}\"", scramble(i) % 9999, i); });
  f(ColumnType::bytes, 5000, [](int i) { return fmt::format("\"{:x}-{:o}-{:X}\"", scramble(i), scramble(i + 1), i); });
}

TEST(ColumnTest, HardNumbersStayAsTheyAre) {
  // Whatever type is chosen, the texts come back: column_of compares them.
  const std::vector<std::string> odd = {
      "1.50", "1e3",  "-0",  "18446744073709551615", "0",     "-1",  "0.0",
      "1E+2", "-0.0", "1.5", "9223372036854775807",  "1.500", "100", "-9223372036854775808"};
  column_of(generate(2000, [&](int i) { return odd[static_cast<size_t>(i) % odd.size()]; }));
  column_of(generate(
      2000, [&](int i) { return i % 40 == 0 ? odd[static_cast<size_t>(i / 40) % odd.size()] : std::to_string(i); }));
  column_of(generate(2000, [&](int i) {
    return i % 40 == 0 ? odd[static_cast<size_t>(i / 40) % odd.size()] : fmt::format("{}.25", i);
  }));
  column_of(generate(2000, [](int i) { return fmt::format("\"{:03}\"", i % 1000); }));
  column_of(generate(2000, [](int i) { return fmt::format("\"aB{:08x}\"", scramble(i) >> 32); }));
  column_of(generate(2000, [](int i) { return i % 2 == 0 ? "\"deadBEEF\"" : "\"DEADbeef\""; }));
}

TEST(ColumnTest, AFewOddCellsAreListed) {
  const ColumnMeta c = column_of(generate(3000, [](int i) { return i % 100 == 3 ? "null" : std::to_string(i * 7); }));
  EXPECT_EQ(c.type, ColumnType::integer);
  EXPECT_EQ(c.flags, kExceptions);
  EXPECT_FALSE(c.range.has_value());
  const ColumnMeta hex =
      column_of(generate(3000, [](int i) { return i % 100 == 3 ? R"("")" : fmt::format("\"{:016x}\"", scramble(i)); }));
  EXPECT_EQ(hex.type, ColumnType::hex);
  EXPECT_EQ(hex.flags, kExceptions);
  const ColumnMeta mixed = column_of(generate(3000, [](int i) { return i % 2 == 0 ? "null" : std::to_string(i); }));
  EXPECT_NE(mixed.type, ColumnType::integer);
}

TEST(ColumnTest, TimesOfTheRowCostNothing) {
  std::vector<std::string> texts;
  const auto layout = make_timestamp_layout('T', '.', 6, "Z");
  for (int i = 0; i < 5000; ++i) {
    std::string& text = texts.emplace_back("\"");
    append_timestamp(1'700'000'000'000'000 + i * 1234, *layout, &text);
    text += '"';
  }
  const ColumnMeta c = column_of(texts, 1'234'000);
  EXPECT_EQ(c.type, ColumnType::timestamp);
  EXPECT_EQ(c.flags, kRelative);
}

TEST(ColumnTest, RangesOnlyOverNumbers) {
  const auto f = [](const std::vector<std::string>& texts, std::optional<double> min, std::optional<double> max) {
    const ColumnMeta c = column_of(texts);
    ASSERT_EQ(c.range.has_value(), min.has_value()) << texts[0];
    if (!c.range) return;
    EXPECT_EQ(c.range->min, *min);
    EXPECT_EQ(c.range->max, *max);
  };
  f({"5"}, 5, 5);
  f({"5", "-7", "\"1e3\""}, -7, 1000);
  f({"5", "true"}, std::nullopt, std::nullopt);
  f(generate(1000, [](int i) { return std::to_string(i - 10); }), -10, 989);
  f(generate(1000, [](int i) { return fmt::format("{}.5", i); }), 0.5, 999.5);
  f(generate(1000, [](int i) { return i == 999 ? "\"x\"" : std::to_string(i); }), std::nullopt, std::nullopt);
  f(generate(1000, [](int i) { return i % 2 == 0 ? "\"12\"" : "\"3e1\""; }), 12, 30);
}

TEST(ColumnIntsTest, EveryModeComesBack) {
  IntEncoderBuffers buffers;
  auto* encode = encode_ints;
  const auto f = [&](const std::vector<int64_t>& values, size_t most_bytes) {
    std::string raw;
    encode(values, &buffers, &raw);
    EXPECT_LE(raw.size(), most_bytes);
    const std::string padded = raw + std::string(16, '\x5a');
    auto frame = IntFrame::parse(std::string_view(padded).substr(0, raw.size()), static_cast<uint32_t>(values.size()));
    ASSERT_TRUE(frame.ok()) << frame.error().message;
    std::vector<int64_t> back(values.size());
    frame->decode(back.data());
    EXPECT_EQ(back, values);
    for (uint32_t i = 0; i < values.size(); ++i) ASSERT_EQ(frame->get(i), values[i]);
    EXPECT_FALSE(
        IntFrame::parse(std::string_view(padded).substr(0, raw.size() - 1), static_cast<uint32_t>(values.size())).ok());
  };
  const auto many = [](int n, const std::function<int64_t(int)>& make) {
    std::vector<int64_t> v;
    for (int i = 0; i < n; ++i) v.push_back(make(i));
    return v;
  };
  f({0}, 8);
  f({INT64_MIN, INT64_MAX}, 48);
  f({INT64_MAX, INT64_MIN, 0, -1}, 64);
  f(many(4096, [](int) { return -5; }), 8);
  f(many(4096, [](int i) { return i * int64_t{1'000'000'007}; }), 32);
  f(many(4096, [](int i) { return i % 2 == 0 ? 200 : 503; }), 600);
  f(many(4096, [](int i) { return static_cast<int64_t>(scramble(i)); }), 4096 * 8 + 16);
  f(many(4096, [](int i) { return static_cast<int64_t>(scramble(i) >> 40) * 1000; }), 4096 * 3 + 16);
  f(many(4096, [](int i) { return int64_t{1} << (i % 63); }), 4096 * 6 / 8 + 640);
  for (uint32_t width = 1; width < 64; ++width) {
    f(many(100, [&](int i) { return static_cast<int64_t>(scramble(i) >> (64 - width)); }), 100 * 8 + 32);
  }

  encode = encode_grouped_ints;
  f({0}, 8);
  f({INT64_MIN, INT64_MAX}, 48);
  f({INT64_MAX, INT64_MIN, 0, -1}, 64);
  f(many(4096, [](int) { return -5; }), 32 * 8);
  f(many(129, [](int i) { return i * int64_t{1'000'000'007}; }), 48);
  // It rises slowly and starts anew every thousand.
  f(many(4096, [](int i) { return i % 1000 * 30 + static_cast<int64_t>(scramble(i) >> 58); }), 4096 * 9 / 8);
  f(many(4096, [](int i) { return static_cast<int64_t>(scramble(i)); }), 4096 * 8 + 32 * 12);
  for (uint32_t width = 1; width < 64; ++width) {
    f(many(300, [&](int i) { return static_cast<int64_t>(scramble(i) >> (64 - width)); }), 300 * 8 + 64);
  }
}

}  // namespace
}  // namespace cordwood
