// SPDX-License-Identifier: Apache-2.0
#include "query/duration_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "query/bytes_text.h"

namespace cordwood::query {
namespace {

constexpr int64_t kMs = 1000000;
constexpr int64_t kSecond = 1000 * kMs;

TEST(GoDuration, ParsesAndPrints) {
  const auto f = [](std::string_view text, int64_t want, std::string_view printed) {
    const auto ns = parse_go_duration(text);
    ASSERT_TRUE(ns.ok()) << text;
    EXPECT_EQ(*ns, want) << text;
    EXPECT_EQ(format_go_duration(*ns), printed);
  };
  f("0", 0, "0s");
  f("1.5s", 1500 * kMs, "1.5s");
  f("1h30m", 5400 * kSecond, "1h30m0s");
  f("-5m", -300 * kSecond, "-5m0s");
  f("100us", 100000, "100\u00b5s");
  f("3\u00b5s", 3000, "3\u00b5s");
  f(".5ms", 500000, "500\u00b5s");
  f("17ns", 17, "17ns");
  f("-2562047h47m16.854775808s", std::numeric_limits<int64_t>::min(), "-2562047h47m16.854775808s");
}

TEST(GoDuration, RefusesWithGosText) {
  const auto f = [](std::string_view text, std::string_view want) {
    ASSERT_FALSE(parse_go_duration(text).ok()) << text;
    EXPECT_EQ(parse_go_duration(text).error().message, want);
  };
  f("", "time: invalid duration \"\"");
  f("oops", "time: invalid duration \"oops\"");
  f("1d", "time: unknown unit \"d\" in duration \"1d\"");
  f("90", "time: missing unit in duration \"90\"");
  f(".s", "time: invalid duration \".s\"");
  f("9999999h", "time: invalid duration \"9999999h\"");
}

TEST(PrometheusDuration, ParsesAndPrints) {
  const auto f = [](std::string_view text, int64_t want, std::string_view printed) {
    const auto ns = parse_prometheus_duration(text);
    ASSERT_TRUE(ns.ok()) << text;
    EXPECT_EQ(*ns, want) << text;
    EXPECT_EQ(format_prometheus_duration(*ns), printed);
  };
  f("0", 0, "0s");
  f("90s", 90 * kSecond, "1m30s");
  f("1w2d", 9 * 86400 * kSecond, "9d");
  f("14d", 14 * 86400 * kSecond, "2w");
  f("1y", 365 * 86400 * kSecond, "1y");
  f("1h5ms", 3600 * kSecond + 5 * kMs, "1h5ms");
  EXPECT_FALSE(parse_prometheus_duration("5m1h").ok());
  EXPECT_FALSE(parse_prometheus_duration("5m5m").ok());
  EXPECT_EQ(parse_prometheus_duration("400y").error().message, "duration out of range");
}

TEST(BytesText, ParsesAndPrints) {
  const auto f = [](std::string_view text, uint64_t want, std::string_view printed) {
    const auto bytes = parse_bytes(text);
    ASSERT_TRUE(bytes.ok()) << text;
    EXPECT_EQ(*bytes, want) << text;
    EXPECT_EQ(format_bytes(*bytes), printed);
  };
  f("5", 5, "5 B");
  f("5k", 5000, "5.0 kB");
  f("1 KiB", 1024, "1.0 kB");
  f("1,000", 1000, "1.0 kB");
  f("82854982", 82854982, "83 MB");
  f("1.5GB", 1500000000, "1.5 GB");
  EXPECT_EQ(parse_bytes("5xb").error().message, "unhandled size name: xb");
  EXPECT_EQ(parse_bytes("oops").error().message, "strconv.ParseFloat: parsing \"\": invalid syntax");
  EXPECT_EQ(parse_bytes("99999EB").error().message, "too large: 99999EB");
}

}  // namespace
}  // namespace cordwood::query
