// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/http_client.h"
#include "api/line_times.h"
#include "api/query_printer.h"
#include "api/router.h"
#include "api/text_response.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

class FixedClock final : public Clock {
 public:
  int64_t now_ns() override { return 1'795'000'000 * kNsPerSecond; }
  int64_t monotonic_ns() override { return 0; }
};

TEST(LineTimesTest, NowIsStrictlyLaterForEachLine) {
  FixedClock clock;
  LineTimes times({}, clock);
  EXPECT_EQ(times.next("a"), clock.now_ns());
  EXPECT_EQ(times.next("b"), clock.now_ns() + 1);
  EXPECT_EQ(times.next("c"), clock.now_ns() + 2);
}

TEST(LineTimesTest, PatternsAreFoundWhereTheyStand) {
  FixedClock clock;
  const auto f = [&](const std::string& pattern, const std::string& line, int64_t want_ns) {
    LineTimes times({.pattern = pattern, .json_field = "", .keep_ties = false}, clock);
    EXPECT_EQ(times.next(line), want_ns) << line;
  };
  constexpr int64_t kMay = 1431849932 * kNsPerSecond;
  f("%d/%b/%Y:%H:%M:%S %z", "93.180.71.3 - - [17/May/2015:08:05:32 +0000] \"GET /\"", kMay);
  f("%d/%b/%Y:%H:%M:%S %z", "93.180.71.3 - - [17/May/2015:10:05:32 +0200] \"GET /\"", kMay);
  f("%Y-%m-%d %H:%M:%S,%f", "2015-05-17 08:05:32,125 INFO x", kMay + 125'000'000);
  f("%b %d %H:%M:%S", "Jun 14 15:16:01 combo sshd", 1781450161 * kNsPerSecond);  // this year
  f("%Y-%m-%d", "no time here", clock.now_ns());
}

TEST(LineTimesTest, JsonFieldsOfEveryKind) {
  FixedClock clock;
  const auto f = [&](const std::string& field, const std::string& line, int64_t want_ns) {
    LineTimes times({.pattern = "", .json_field = field, .keep_ties = false}, clock);
    EXPECT_EQ(times.next(line), want_ns) << line;
  };
  constexpr int64_t kTime = 1795046435728 * 1'000'000;
  f("ts", R"({"ts":1795046435728})", kTime);
  f("ts", R"({"ts":"1795046435728000000"})", kTime);
  f("ts", R"({"ts":1795046435728000001})", kTime + 1);
  f("ts", R"({"ts":1795046435.5})", 1795046435 * kNsPerSecond + 500'000'000);
  f("a.ts", R"({"a":{"ts":"2026-11-18T11:06:40Z"}})", 1795000000 * kNsPerSecond);
  f("ts", "not json", clock.now_ns());
}

TEST(LineTimesTest, TiesAreKeptOnlyWhenAsked) {
  FixedClock clock;
  for (const bool keep : {false, true}) {
    LineTimes times({.pattern = "", .json_field = "t", .keep_ties = keep}, clock);
    EXPECT_EQ(times.next(R"({"t":1000})"), 1000 * kNsPerSecond);
    EXPECT_EQ(times.next(R"({"t":1000})"), 1000 * kNsPerSecond + (keep ? 0 : 1));
    EXPECT_EQ(times.next(R"({"t":999})"), keep ? 999 * kNsPerSecond : 1000 * kNsPerSecond + 2);
    EXPECT_EQ(times.next("\tat line without a time"), keep ? 999 * kNsPerSecond : 1000 * kNsPerSecond + 3);
  }
}

TEST(HttpClientTest, Addresses) {
  const auto f = [](const std::string& url, const std::string& host, const std::string& port,
                    const std::string& prefix) {
    const auto got = parse_server_url(url);
    ASSERT_TRUE(got.ok()) << url;
    EXPECT_EQ(got->host + " " + got->port + " " + got->prefix, host + " " + port + " " + prefix) << url;
  };
  f("http://localhost:3100", "localhost", "3100", "");
  f("http://h/loki/", "h", "80", "/loki");
  f("127.0.0.1:9", "127.0.0.1", "9", "");
  f("http://[::1]:3100/x", "::1", "3100", "/x");
  EXPECT_FALSE(parse_server_url("https://h").ok());
  EXPECT_FALSE(parse_server_url("http://:3").ok());
}

TEST(QueryPrinterTest, FormsOfALine) {
  FetchedPage page;
  page.result_type = "streams";
  page.lines.push_back({1795000000000000001, "l\"\xff", {{"b", "2"}}, {{"a", "1"}}});
  EXPECT_EQ(QueryPrinter(OutputForm::raw, true).print(page), "l\"\xff\n");
  EXPECT_EQ(QueryPrinter(OutputForm::standard, false).print(page),
            "2026-11-18T11:06:40.000000001Z {a=\"1\", b=\"2\"} l\"\xff\n");
  EXPECT_EQ(QueryPrinter(OutputForm::jsonl, false).print(page),
            "{\"timestamp\":\"2026-11-18T11:06:40.000000001Z\",\"labels\":{\"a\":\"1\",\"b\":\"2\"},\"line\":"
            "\"l\\\"\\ufffd\"}\n");
  page = {};
  page.result_type = "vector";
  page.raw_result = R"([{"metric":{"a":"1"},"value":[4,"2"]}])";
  EXPECT_EQ(QueryPrinter(OutputForm::standard, false).print(page), "1970-01-01T00:00:04Z {a=\"1\"} 2\n");
}

TEST(RouterTest, PathsMethodsAndValues) {
  Metrics metrics;
  FixedClock clock;
  const std::atomic<Phase> phase{Phase::running};
  Router router("/pre", metrics, clock, phase);
  router.add("GET POST", "/label/{name}/values", {.work = WorkClass::query, .body_limit_bytes = 7, .refuse = nullptr},
             [](HttpRequest&, const PathValues& values) { return text_response(200, values.at(0)); });
  const auto f = [&](const std::string& method, const std::string& path, int status, const std::string& body) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    const HttpResponse response = router.handle(request);
    EXPECT_EQ(response.status, status) << path;
    EXPECT_EQ(response.body, body) << path;
  };
  f("GET", "/pre/label/a%2Fb/values", 200, "a/b");
  f("POST", "/pre/label/x/values", 200, "x");
  f("PUT", "/pre/label/x/values", 405, "");
  f("GET", "/label/x/values", 404, "404 page not found\n");
  f("GET", "/pre/label/x/values/", 404, "404 page not found\n");
  f("GET", "/pre/label//values", 404, "404 page not found\n");
  HttpRequest large;
  large.method = "POST";
  large.path = "/pre/label/x/values";
  EXPECT_EQ(router.plan(large).body_limit_bytes, 7u);
  large.body_state = BodyState::too_large;
  EXPECT_EQ(router.handle(large).status, 413);
  large.body_state = BodyState::no_memory;
  const HttpResponse busy = router.handle(large);
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.headers.back().first, "Retry-After");
}

TEST(RouterTest, OnlyStatusPagesAreServedBeforeTheStoreIsThere) {
  Metrics metrics;
  FixedClock clock;
  std::atomic<Phase> phase{Phase::starting};
  Router router("", metrics, clock, phase);
  const auto ok = [](HttpRequest&, const PathValues&) { return text_response(200, "ok"); };
  RouteOptions always;
  always.needs_store = false;
  router.add("GET", "/status", always, ok);
  router.add("GET", "/query", {}, ok);
  const auto status = [&](const std::string& path) {
    HttpRequest request;
    request.method = "GET";
    request.path = path;
    return router.handle(request).status;
  };
  EXPECT_EQ(status("/status"), 200);
  EXPECT_EQ(status("/query"), 503);
  EXPECT_EQ(status("/nosuch"), 404);
  phase = Phase::running;
  EXPECT_EQ(status("/query"), 200);
}

}  // namespace
}  // namespace cordwood::api
