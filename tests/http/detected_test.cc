// SPDX-License-Identifier: Apache-2.0
// What Logs Drilldown and field completion ask for.
#include <gtest/gtest.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

constexpr const char* kLabels = "/loki/api/v1/detected_labels";
constexpr const char* kFields = "/loki/api/v1/detected_fields";
constexpr const char* kValues = "/loki/api/v1/detected_field/status/values";

class DetectedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.push(json::parse(R"([
      {"stream":{"app":"shop","pod":"1"},"values":[
        ["1795000001000000000","{\"status\":200,\"o\":{\"ms\":1.5},\"q\":\"<a>\"}",{"trace_id":"t1"}],
        ["1795000002000000000","{\"status\":404,\"o\":{\"ms\":2.5}}"]]},
      {"stream":{"app":"till","port":"8080"},"values":[["1795000003000000000","size=10kB bad"]]}])"));
  }
  using Params = std::vector<std::pair<std::string, std::string>>;
  static Params hour(Params more) {
    more.emplace_back("start", "1795000000000000000");
    more.emplace_back("end", "1795000009000000000");
    return more;
  }
  static std::string form(const Params& params) {
    std::string out;
    for (const auto& [name, value] : params) out += (out.empty() ? "" : "&") + name + "=" + percent_encode(value);
    return out;
  }
  /// The body, in the head and after a flush, by GET and as a form.
  void expect(const std::string& path, const Params& params, int status, const std::string& body) {
    for (const bool flushed : {false, true}) {
      if (flushed) {
        EXPECT_EQ(server_.call("POST", "/flush").status, 204);
      }
      const auto got = server_.get(path + "?" + form(params));
      EXPECT_EQ(got.status, status) << path << " " << form(params);
      EXPECT_EQ(got.body, body) << path << " " << form(params);
      const auto posted = server_.post(path, "application/x-www-form-urlencoded", form(params));
      EXPECT_EQ(posted.status, status) << path;
      EXPECT_EQ(posted.body, body) << path;
    }
  }
  RunningServer server_;
};

TEST_F(DetectedTest, Labels) {
  expect(kLabels, hour({}), 200,
         "{\"detectedLabels\":[{\"label\":\"app\",\"cardinality\":2},{\"label\":\"pod\",\"cardinality\":1},"
         "{\"label\":\"service_name\",\"cardinality\":2}]}\n");
  expect(
      kLabels, hour({{"query", R"({app="till"})"}}), 200,
      "{\"detectedLabels\":[{\"label\":\"app\",\"cardinality\":1},{\"label\":\"service_name\",\"cardinality\":1}]}\n");
  expect(kLabels, hour({{"query", R"({app="none"})"}}), 200, "{}\n");
  EXPECT_EQ(server_.get(std::string(kLabels) + "?query=&" + form(hour({}))).headers.get("Content-Type"),
            "application/json; charset=UTF-8");
}

TEST_F(DetectedTest, Fields) {
  expect(kFields, hour({{"query", R"({app="shop"})"}}), 200,
         "{\"fields\":[{\"label\":\"detected_level\",\"type\":\"string\",\"cardinality\":1,\"parsers\":null},"
         "{\"label\":\"o_ms\",\"type\":\"float\",\"cardinality\":2,\"parsers\":[\"json\"],\"jsonPath\":[\"o\",\"ms\"]},"
         "{\"label\":\"q\",\"type\":\"string\",\"cardinality\":1,\"parsers\":[\"json\"],\"jsonPath\":[\"q\"]},"
         "{\"label\":\"status\",\"type\":\"int\",\"cardinality\":2,\"parsers\":[\"json\"],\"jsonPath\":[\"status\"]},"
         "{\"label\":\"trace_id\",\"type\":\"string\",\"cardinality\":1,\"parsers\":null}],\"limit\":1000}\n");
  const std::string size =
      "{\"fields\":[{\"label\":\"detected_level\",\"type\":\"string\",\"cardinality\":1,\"parsers\":null},"
      "{\"label\":\"size\",\"type\":\"bytes\",\"cardinality\":1,\"parsers\":[\"logfmt\"]}],\"limit\":5}\n";
  expect(kFields, hour({{"query", R"({app="till"})"}, {"limit", "5"}, {"line_limit", "1"}, {"step", "1"}}), 200, size);
  expect(kFields, hour({{"query", R"({app="till"})"}, {"field_limit", "5"}}), 200, size);
  expect(kFields, hour({{"query", R"({app="none"})"}}), 200, "{}\n");
}

TEST_F(DetectedTest, Values) {
  expect(kValues, hour({{"query", R"({app="shop"})"}}), 200, "{\"limit\":1000,\"values\":[\"200\",\"404\"]}\n");
  expect(kValues, hour({{"query", R"({app="shop"})"}, {"limit", "1"}}), 200, "{\"limit\":1,\"values\":[\"404\"]}\n");
  expect("/loki/api/v1/detected_field/q/values", hour({{"query", R"({app="shop"})"}}), 200,
         "{\"limit\":1000,\"values\":[\"<a>\"]}\n");
  expect("/loki/api/v1/detected_field/nosuch/values", hour({{"query", R"({app="shop"})"}}), 200, "{}\n");
}

TEST_F(DetectedTest, TimesInEveryForm) {
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"1795000000", "1795000009"},
                                 {"2026-11-18T11:06:40.000Z", "2026-11-18T11:06:49.000Z"},
                                 {"1795000000000000000", "1795000009000000000"}}) {
    const Params range = {{"query", R"({app="shop"})"}, {"start", from}, {"end", to}};
    EXPECT_EQ(server_.ask(kFields, range)["fields"].size(), 5u) << from;
    EXPECT_EQ(server_.ask(kLabels, range)["detectedLabels"].size(), 3u) << from;
    EXPECT_EQ(server_.ask(kValues, range)["values"].size(), 2u) << from;
  }
  const Params since = {{"query", R"({app="shop"})"}, {"end", "1795000010"}, {"since", "9s"}};
  EXPECT_EQ(server_.ask(kValues, since)["values"], json::parse(R"(["200","404"])"));
  const Params shorter = {{"query", R"({app="shop"})"}, {"end", "1795000010"}, {"since", "8500ms"}};
  EXPECT_EQ(server_.ask(kValues, shorter)["values"], json::parse(R"(["404"])"));
}

TEST_F(DetectedTest, Errors) {
  const std::string unterminated = "parse error at line 1, col 6: literal not terminated";
  const auto f = [&](const Params& params, const std::string& want) {
    for (const char* path : {kFields, kValues}) expect(path, hour(params), 400, want);
  };
  f({{"query", "{app=\"x"}}, unterminated);
  f({{"query", R"({app="x"})"}, {"line_limit", "0"}}, "limit must be a positive value");
  f({{"query", R"({app="x"})"}, {"limit", "-1"}}, "limit must be a positive value");
  f({{"query", R"({app="x"})"}, {"line_limit", "ten"}}, "strconv.Atoi: parsing \"ten\": invalid syntax");
  f({{"query", R"({app="x"})"}, {"line_limit", "5001"}},
    "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)");
  f({{"query", R"({app="x"})"}, {"step", "0"}},
    "zero or negative query resolution step widths are not accepted. Try a positive integer");
  f({{"query", R"(rate({app="x"}[1m]))"}}, "only log selector is supported");
  expect(kLabels, hour({{"query", "{app=\"x"}}), 400, unterminated);
  expect(kLabels, hour({{"query", R"({app="x"} | json)"}}), 400, "only label matchers are supported");
  for (const char* path : {kFields, kValues, kLabels}) {
    expect(path, {{"query", R"({app="x"})"}, {"start", "1795000009"}, {"end", "1795000000"}}, 400,
           "end timestamp must not be before or equal to start time");
  }
}

}  // namespace
}  // namespace cordwood::api
