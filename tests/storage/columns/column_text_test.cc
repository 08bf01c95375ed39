// SPDX-License-Identifier: Apache-2.0
#include "storage/column_text.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/base/decimal_width.h"

namespace cordwood {
namespace {

TEST(ColumnTextTest, Integers) {
  const auto f = [](std::string_view text, std::optional<int64_t> want) {
    int64_t v = 0;
    const bool ok = parse_integer(text, &v);
    ASSERT_EQ(ok, want.has_value()) << text;
    if (!ok) return;
    EXPECT_EQ(v, *want) << text;
    std::string back;
    append_integer(v, &back);
    EXPECT_EQ(back, text);
    EXPECT_EQ(integer_bytes(v), text.size());
  };
  f("0", 0);
  f("42", 42);
  f("-7", -7);
  f("9223372036854775807", INT64_MAX);
  f("-9223372036854775808", INT64_MIN);
  f("999999999999999999", 999999999999999999);
  for (const char* bad : {"", "-", "-0", "007", "+1", "1.0", "1e3", "18446744073709551615", "9223372036854775808",
                          "-9223372036854775809", " 1", "1 ", "0x1", "--1", "1-", "99999999999999999999999"}) {
    f(bad, std::nullopt);
  }
}

TEST(ColumnTextTest, Decimals) {
  const auto f = [](std::string_view text, uint8_t scale, bool trimmed, std::optional<int64_t> want) {
    int64_t v = 0;
    const DecimalLayout layout{scale, trimmed};
    const bool ok = parse_decimal(text, layout, &v);
    ASSERT_EQ(ok, want.has_value()) << text;
    if (!ok) return;
    EXPECT_EQ(v, *want) << text;
    std::string back;
    append_decimal(v, layout, &back);
    EXPECT_EQ(back, text);
    EXPECT_EQ(decimal_bytes(v, layout), text.size());
  };
  f("1.50", 2, false, 150);
  f("0.05", 2, false, 5);
  f("-0.05", 2, false, -5);
  f("-12.345", 3, false, -12345);
  f("123456789012345.678", 3, false, 123456789012345678);
  f("1.5", 2, true, 150);
  f("0.25", 3, true, 250);
  f("7", 3, true, 7000);
  f("0", 3, true, 0);
  f("-3.001", 3, true, -3001);
  for (const char* bad : {"1.5", "1", "01.50", "-0.00", ".50", "1.", "1.5x", "1e3", "", "-", "1.500", "+1.50",
                          "12345678901234567.89", "1..5", "1.-5"}) {
    f(bad, 2, false, std::nullopt);
  }
  for (const char* bad : {"1.50", "1.0", "-0", "0.0", "1.", "01", "1.2345", "-0.0", "1e3"})
    f(bad, 3, true, std::nullopt);
}

TEST(ColumnTextTest, HexAndUuid) {
  const auto hex = [](std::string_view text, bool upper, bool want) {
    char raw[64];
    ASSERT_EQ(parse_hex(text, upper, raw), want) << text;
    if (!want) return;
    std::string back;
    append_hex(raw, static_cast<uint32_t>(text.size()), upper, &back);
    EXPECT_EQ(back, text);
  };
  hex("0123456789abcdef", false, true);
  hex("0123456789ABCDEF", true, true);
  hex("abc", false, true);
  hex("ABC", false, false);
  hex("aBcd", false, false);
  hex("aBcd", true, false);
  hex("00g0", false, false);
  hex("1234", true, true);
  hex("", false, true);
  const auto uuid = [](std::string_view text, bool upper, bool want) {
    char raw[16];
    ASSERT_EQ(parse_uuid(text, upper, raw), want) << text;
    if (!want) return;
    std::string back;
    append_uuid(raw, upper, &back);
    EXPECT_EQ(back, text);
  };
  uuid("123e4567-e89b-12d3-a456-426614174000", false, true);
  uuid("123E4567-E89B-12D3-A456-426614174000", true, true);
  uuid("123E4567-e89b-12d3-a456-426614174000", true, false);
  uuid("123e4567-e89b-12d3-a456-42661417400", false, false);
  uuid("123e4567ee89b-12d3-a456-426614174000", false, false);
  uuid("123e4567-e89b-12d3-a456-42661417400g", false, false);
}

TEST(ColumnTextTest, Timestamps) {
  const auto f = [](std::string_view text, bool want) {
    const auto layout = detect_timestamp(text);
    ASSERT_EQ(layout.has_value(), want) << text;
    if (!want) return;
    int64_t units = 0;
    ASSERT_TRUE(parse_timestamp(text, *layout, &units));
    std::string back;
    append_timestamp(units, *layout, &back);
    EXPECT_EQ(back, text);
    EXPECT_EQ(timestamp_bytes(*layout), text.size());
  };
  for (const char* good : {"2026-11-21T02:04:13Z", "2026-11-21T02:04:13.5Z", "2026-11-21T02:04:13.123456789Z",
                           "2026-11-21 02:04:13,123", "2026-11-21T02:04:13.000+02:00", "2026-11-21T02:04:13-0730",
                           "1969-12-31T23:59:59.999999Z", "1700-01-01T00:00:00Z", "2199-12-31T23:59:59.999999999Z",
                           "2000-02-29T00:00:00Z", "2026-11-21T02:04:13", "2026-01-01T00:30:00+01:00"}) {
    f(good, true);
  }
  for (const char* bad : {"2026-13-21T02:04:13Z", "2026-02-29T02:04:13Z", "2026-11-21T24:04:13Z",
                          "2026-11-21T02:60:13Z", "2026-11-21T02:04:60Z", "2026-11-21t02:04:13Z",
                          "2026-11-21T02:04:13z", "2026-11-21T02:04:13.Z", "2026-11-21T02:04:13.1234567890Z",
                          "1699-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "2026-11-21", "2026-11-21T02:04:13 Z",
                          "2026-11-21T02:04:13+2:00", "2026-11-21T02:04:13+25:00", "", "2026-1-21T02:04:13Z00"}) {
    f(bad, false);
  }
  const auto layout = detect_timestamp("1970-01-01T00:00:01.500Z");
  int64_t units = 0;
  ASSERT_TRUE(parse_timestamp("1970-01-01T00:00:01.500Z", *layout, &units));
  EXPECT_EQ(units, 1500);
  for (const int64_t odd : {INT64_MIN, INT64_MAX}) {
    std::string text;
    append_timestamp(odd, *make_timestamp_layout('T', '.', 0, "Z"), &text);
    EXPECT_FALSE(text.empty());
  }
}

TEST(ColumnTextTest, Ipv4) {
  const auto f = [](std::string_view text, bool want) {
    int64_t v = 0;
    ASSERT_EQ(parse_ipv4(text, &v), want) << text;
    if (!want) return;
    std::string back;
    append_ipv4(v, &back);
    EXPECT_EQ(back, text);
  };
  f("0.0.0.0", true);
  f("255.255.255.255", true);
  f("10.0.17.3", true);
  for (const char* bad : {"256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "1..2.3", "1.2.3.", "a.b.c.d"})
    f(bad, false);
}

TEST(ColumnTextTest, FloatsAsGoReadsThem) {
  const auto f = [](std::string_view text, std::optional<double> want) {
    EXPECT_EQ(parse_plain_float(text), want) << text;
  };
  f("1", 1);
  f("-1.5", -1.5);
  f("+2", 2);
  f("1e3", 1000);
  f(".5", 0.5);
  f("5.", 5);
  f("007", 7);
  for (const char* bad : {"", "x", "1x", "inf", "nan", "0x10", "1_000", "1e999", "- 1", "+-1", " 1", "-", "."})
    f(bad, std::nullopt);
}

TEST(ColumnTextTest, CountsDigits) {
  for (uint64_t power = 1, digits = 1; digits <= kMostDecimalWidth; power *= 10, ++digits) {
    EXPECT_EQ(decimal_width(power), digits);
    EXPECT_EQ(decimal_width(power - 1), digits == 1 ? 1 : digits - 1);
    EXPECT_EQ(decimal_width(power + 1), digits);
  }
  EXPECT_EQ(decimal_width(UINT64_MAX), kMostDecimalWidth);
}

}  // namespace
}  // namespace cordwood
