// SPDX-License-Identifier: Apache-2.0
#include "ingest/unix_time.h"

#include <gtest/gtest.h>

#include <limits>

namespace cordwood::ingest {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(UnixTime, FromSecondsAndNanos) {
  const auto f = [](int64_t seconds, int64_t nanos, int64_t want) {
    const auto got = unix_time_ns(seconds, nanos);
    ASSERT_TRUE(got.ok()) << seconds;
    EXPECT_EQ(*got, want);
  };
  f(0, 0, 0);
  f(1, 5, 1'000'000'005);
  f(-1, 1, -999'999'999);
  f(9'223'372'036, 854'775'807, kMax);
  f(-9'223'372'037, 145'224'192, kMin);
  const auto bad = [](int64_t seconds, int64_t nanos) { EXPECT_FALSE(unix_time_ns(seconds, nanos).ok()) << seconds; };
  bad(9'223'372'036, 854'775'808);
  bad(-9'223'372'037, 145'224'191);
  bad(kMax, 0);
  bad(kMin, 0);
  bad(kMin, 1);
  bad(0, -1);
  bad(0, 1'000'000'000);
}

TEST(UnixTime, FromRfc3339) {
  const auto f = [](std::string_view text, int64_t want) {
    const auto got = parse_rfc3339_ns(text);
    ASSERT_TRUE(got.ok()) << text;
    EXPECT_EQ(*got, want) << text;
  };
  f("1970-01-01T00:00:00Z", 0);
  f("2026-11-19T12:00:00.5Z", 1'795'089'600'500'000'000);
  f("2026-11-19T12:00:00.123456789+01:30", 1'795'084'200'123'456'789);
  f("1969-12-31T23:59:59.9-00:00", -100'000'000);
  const auto bad = [](std::string_view text) { EXPECT_FALSE(parse_rfc3339_ns(text).ok()) << text; };
  bad("");
  bad("2026-11-19");
  bad("2026-11-19T12:00:00");
  bad("2026-02-30T12:00:00Z");
  bad("2026-11-19T24:00:00Z");
  bad("2026-11-19T12:00:00.Z");
  bad("2026-11-19T12:00:00Zx");
  bad("9999-11-19T12:00:00Z");
  bad("0001-01-01T00:00:00Z");
}

TEST(UnixTime, Printed) {
  EXPECT_EQ(format_rfc3339(1'795'089'600'500'000'000), "2026-11-19T12:00:00Z");
  EXPECT_EQ(format_go_time(1'795'089'600'500'000'000), "2026-11-19 12:00:00.5 +0000 UTC");
  EXPECT_EQ(format_go_time(0), "1970-01-01 00:00:00 +0000 UTC");
  EXPECT_EQ(format_go_time(-1), "1969-12-31 23:59:59.999999999 +0000 UTC");
  EXPECT_EQ(format_rfc3339(kMin), "1677-09-21T00:12:43Z");
  EXPECT_EQ(format_go_time(kMin), "1677-09-21 00:12:43.145224192 +0000 UTC");
}

}  // namespace
}  // namespace cordwood::ingest
