// SPDX-License-Identifier: Apache-2.0
#include "api/params.h"

#include <gtest/gtest.h>

#include "api/durations.h"
#include "api/gzip_stream.h"
#include "api/http_dates.h"
#include "api/tenant.h"
#include "api/url.h"
#include "storage/base/percent.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

constexpr int64_t kNow_ns = 1'795'000'000 * kNsPerSecond;

Params params(std::vector<std::pair<std::string, std::string>> values) {
  return Params(std::move(values));
}

template <typename T>
std::string message_of(const Result<T>& result) {
  return result.ok() ? "" : result.error().message;
}

TEST(ParamsTest, TimesAreSecondsNanosecondsOrRfc3339) {
  const auto f = [](const std::string& text, int64_t want) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time.ok()) << text << ": " << time.error().message;
    EXPECT_EQ(*time, want) << text;
  };
  f("1795000000", 1795000000 * kNsPerSecond);
  f("1795000000000000001", 1795000000000000001);
  f("1795000000123", 1795000000123);  // 13 digits are nanoseconds
  f("1795000000.1239", 1795000000 * kNsPerSecond + 124'000'000);
  f("-5", -5 * kNsPerSecond);
  f("2026-11-18T11:06:40Z", 1795000000 * kNsPerSecond);
  f("2026-11-18T13:06:40.5+02:00", 1795000000 * kNsPerSecond + 500'000'000);
  f("1969-12-31T23:59:59Z", -kNsPerSecond);
  const auto bad = [](const std::string& text, const std::string& want) {
    EXPECT_EQ(message_of(parse_time(text)), want);
  };
  bad("x", R"(strconv.ParseInt: parsing "x": invalid syntax)");
  bad("2026-02-30T00:00:00Z", R"(strconv.ParseInt: parsing "2026-02-30T00:00:00Z": invalid syntax)");
  bad("99999999999999999999", R"(strconv.ParseInt: parsing "99999999999999999999": value out of range)");
}

TEST(ParamsTest, BoundsDefaultToTheLastHour) {
  const auto f = [](std::vector<std::pair<std::string, std::string>> values, int64_t start_s, int64_t end_s) {
    const auto bounds = parse_bounds(params(std::move(values)), kNow_ns);
    ASSERT_TRUE(bounds.ok()) << bounds.error().message;
    EXPECT_EQ(bounds->start_ns, start_s * kNsPerSecond);
    EXPECT_EQ(bounds->end_ns, end_s * kNsPerSecond);
  };
  f({}, 1794996400, 1795000000);
  f({{"since", "5m"}}, 1794999700, 1795000000);
  f({{"end", "1794000000"}, {"since", "1m"}}, 1793999940, 1794000000);
  f({{"end", "1799999999"}}, 1794996400, 1799999999);  // counted back from now
  f({{"start", "7"}, {"end", "9"}}, 7, 9);
  EXPECT_EQ(message_of(parse_bounds(params({{"since", "1.5h"}}), kNow_ns)),
            R"(could not parse 'since' parameter: unknown unit "." in duration "1.5h")");
  EXPECT_EQ(message_of(parse_ordered_bounds(params({{"start", "9"}, {"end", "7"}}), kNow_ns)),
            "end timestamp must not be before or equal to start time");
}

TEST(ParamsTest, StepsLimitsAndDirections) {
  const TimeBounds hour{0, 3600 * kNsPerSecond};
  const auto step = [&](const std::string& text) { return parse_step(params({{"step", text}}), hour); };
  EXPECT_EQ(*parse_step(params({}), hour), 14 * kNsPerSecond);
  EXPECT_EQ(*step("1500ms"), 1'500'000'000);
  EXPECT_EQ(*step("0.5"), 500'000'000);
  EXPECT_EQ(message_of(step("-1")),
            "zero or negative query resolution step widths are not accepted. Try a positive integer");
  EXPECT_EQ(message_of(step("x")), R"(cannot parse "x" to a valid duration)");
  EXPECT_EQ(message_of(step("0.3")),
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step "
            "parameter");
  EXPECT_EQ(message_of(step("1e300")), R"(cannot parse "1e300" to a valid duration. It overflows int64)");
  const auto limit = [](const std::string& text) { return parse_limit(params({{"limit", text}}), "limit", 100); };
  EXPECT_EQ(*limit(""), 100u);
  EXPECT_EQ(*limit("+7"), 7u);
  EXPECT_EQ(message_of(limit("0")), "limit must be a positive value");
  EXPECT_EQ(message_of(limit("4294967296")), "limit value 4294967296 is out of range [0, 4294967295]");
  EXPECT_EQ(message_of(limit("1x")), R"(strconv.Atoi: parsing "1x": invalid syntax)");
  EXPECT_TRUE(*parse_forward(params({{"direction", "FORWARD"}})));
  EXPECT_EQ(message_of(parse_forward(params({{"direction", "up"}}))), "invalid direction 'up'");
  EXPECT_EQ(message_of(parse_interval(params({{"interval", "-1"}}))), "interval must be >= 0");
}

TEST(ParamsTest, FormsAreReadAsGoReadsThem) {
  const auto form = parse_form("a=1&b=%7B+x%2B&c&&a=2");
  ASSERT_TRUE(form.ok());
  const std::vector<std::pair<std::string, std::string>> want{{"a", "1"}, {"b", "{ x+"}, {"c", ""}, {"a", "2"}};
  EXPECT_EQ(*form, want);
  EXPECT_EQ(message_of(parse_form("a=%zz")), R"(invalid URL escape "%zz")");
  EXPECT_EQ(message_of(parse_form("a=%4")), R"(invalid URL escape "%4")");
  EXPECT_EQ(message_of(parse_form("a;b")), "invalid semicolon separator in query");
  EXPECT_EQ(percent_encode("a b/{é}"), "a%20b%2F%7B%C3%A9%7D");
}

TEST(DurationsTest, PrometheusAndGoForms) {
  EXPECT_EQ(*parse_prometheus_duration("1d2h3m4s5ms"), ((26 * 3600 + 184) * int64_t{1000} + 5) * 1'000'000);
  const auto bad = [](const std::string& text, const std::string& want) {
    EXPECT_EQ(message_of(parse_prometheus_duration(text)), want) << text;
  };
  bad("", "empty duration string");
  bad("1", R"(not a valid duration string: "1")");
  bad("1m1h", R"(not a valid duration string: "1m1h")");
  bad("5minutes", R"(unknown unit "minutes" in duration "5minutes")");
  bad("9999999y", "duration out of range");
  EXPECT_EQ(*parse_duration("1h0m0s"), 3600 * kNsPerSecond);
  EXPECT_EQ(*parse_duration("1.5s"), 1'500'000'000);
  for (const char* text : {"0s", "721h", "30d1h", "1m30s", "250ms"}) {
    EXPECT_EQ(*parse_duration(print_duration(*parse_duration(text))), *parse_duration(text)) << text;
  }
}

TEST(DurationsTest, SizesAsLokiWritesThem) {
  const auto f = [](const std::string& text, uint64_t want) {
    const auto bytes = parse_byte_size(text);
    ASSERT_TRUE(bytes.ok()) << text;
    EXPECT_EQ(*bytes, want) << text;
    EXPECT_EQ(*parse_byte_size(print_byte_size(want)), want);
  };
  f("256KB", 262144);
  f("3mb", 3 << 20);
  f("1GiB", 1 << 30);
  f("1.5 KB", 1536);
  f("100", 100);
  f("0", 0);
  for (const char* text : {"", "x", "-1KB", "1QB", "999999PB"}) EXPECT_FALSE(parse_byte_size(text).ok()) << text;
}

TEST(TenantTest, RulesOfTheHeader) {
  const auto f = [](const std::string& header, const std::string& tenant, const std::string& error) {
    HttpRequest request;
    if (!header.empty()) request.headers.add("x-scope-orgid", header);
    const auto got = tenant_of({.auth_enabled = true, .no_auth_tenant = "fake"}, request);
    EXPECT_EQ(got.ok() ? *got : "", tenant) << header;
    EXPECT_EQ(message_of(got), error) << header;
  };
  f("", "", "no org id");
  f("a", "a", "");
  f("a|a", "a", "");
  f("a:team=x", "a", "");
  f("a|b", "", "multiple org IDs present");
  f("a/b", "", "tenant ID 'a/b' contains unsupported character '/'");
  f(std::string(151, 'a'), "", "tenant ID is too long: max 150 characters");
  HttpRequest request;
  request.headers.add("X-Scope-OrgID", "a|b");
  EXPECT_EQ(*tenant_of({}, request), "fake");
}

TEST(HttpTextTest, DatesAndEncodings) {
  EXPECT_EQ(http_date(784111777 * kNsPerSecond), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(rfc3339_nano(1795000000198509930), "2026-11-18T11:06:40.19850993Z");
  EXPECT_EQ(rfc3339_nano(-1), "1969-12-31T23:59:59.999999999Z");
  const auto f = [](const std::string& text, bool want) { EXPECT_EQ(accepts_gzip(text), want) << text; };
  f("", false);
  f("gzip, deflate, br", true);
  f("br;q=1.0, gzip;q=0.8", true);
  f("gzip;q=0", false);
  f("*", true);
  f("identity", false);
}

}  // namespace
}  // namespace cordwood::api
