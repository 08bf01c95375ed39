// SPDX-License-Identifier: Apache-2.0
// Reads under /api/prom; its tail is tested with the other one.
#include <gmock/gmock.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

class LegacyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.push(json::parse(R"([
      {"stream":{"app":"a","pod":"1"},"values":[["1795000001000000000","one <1>"],
        ["1795000002000000001","two",{"trace_id":"t"}]]},
      {"stream":{"app":"b"},"values":[["1795000003000000000","three"]]}])"));
  }
  json ask(const std::string& path, std::vector<std::pair<std::string, std::string>> params) {
    params.emplace_back("start", "1795000000");
    params.emplace_back("end", "1795000009");
    return server_.ask(path, params);
  }
  /// Lines by the labels of their streams.
  std::map<std::string, std::vector<std::string>> lines(std::vector<std::pair<std::string, std::string>> params) {
    std::map<std::string, std::vector<std::string>> out;
    const json answer = ask("/api/prom/query", std::move(params));
    for (const json& stream : answer["streams"]) {
      for (const json& entry : stream["entries"]) out[stream["labels"]].push_back(entry["line"]);
    }
    return out;
  }
  RunningServer server_;
};

TEST_F(LegacyTest, QueriesAnswerWithStreamsInTheirOldForm) {
  const json answer = ask("/api/prom/query", {{"query", R"({app=~"a|b"})"}, {"direction", "FORWARD"}});
  EXPECT_EQ(answer["streams"], json::parse(R"([
      {"labels":"{app=\"a\", detected_level=\"unknown\", pod=\"1\", service_name=\"a\", trace_id=\"t\"}",
       "entries":[{"ts":"2026-11-18T11:06:42.000000001Z","line":"two"}]},
      {"labels":"{app=\"a\", detected_level=\"unknown\", pod=\"1\", service_name=\"a\"}",
       "entries":[{"ts":"2026-11-18T11:06:41Z","line":"one <1>"}]},
      {"labels":"{app=\"b\", detected_level=\"unknown\", service_name=\"b\"}",
       "entries":[{"ts":"2026-11-18T11:06:43Z","line":"three"}]}])"));
  EXPECT_EQ(answer["stats"]["summary"]["totalEntriesReturned"], 3);
  EXPECT_EQ(answer.size(), 2u);
  EXPECT_EQ(lines({{"query", R"({app=~"a|b"})"}, {"limit", "1"}}).begin()->second, std::vector<std::string>{"three"});
  EXPECT_EQ(ask("/api/prom/query", {{"query", R"({app="none"})"}})["streams"], json::array());
}

TEST_F(LegacyTest, RegexpIsOneMoreLineFilter) {
  const auto f = [&](const std::string& query, const std::string& regexp, const std::vector<std::string>& want) {
    std::vector<std::string> got;
    for (const auto& [labels, found] : lines({{"query", query}, {"regexp", regexp}, {"direction", "forward"}})) {
      got.insert(got.end(), found.begin(), found.end());
    }
    EXPECT_EQ(got, want) << query << " " << regexp;
  };
  f(R"({app=~"a|b"})", "^t.*e", {"three"});
  f(R"({app=~"a|b"} |= "o")", "w|<", {"two", "one <1>"});
  f(R"({app=~"a|b"} # all of them)", "wo", {"two"});
  f(R"(({app=~"a|b"} | drop pod))", "w\"?o", {"two"});
  f(R"({app=~"a|b"})", "", {"two", "one <1>", "three"});
}

TEST_F(LegacyTest, RefusesWhatItCannotShow) {
  const auto f = [&](const std::string& parameters, const std::string& want) {
    const auto got = server_.get("/api/prom/query?" + parameters);
    EXPECT_EQ(got.status, 400) << parameters;
    EXPECT_EQ(got.body, want) << parameters;
    EXPECT_EQ(server_.post("/api/prom/query", kForm, parameters).body, want);
  };
  const std::string rate = "query=" + percent_encode(R"(rate({app="a"}[1m]))");
  f(rate, "rpc error: code = Code(400) desc = legacy endpoints only support streams result type");
  f(rate + "&regexp=x", "only log selector is supported");
  f("query=%7Bapp%3D%22a", "parse error at line 1, col 6: literal not terminated");
  f("query=%7Bapp%3D%22a%22%7D&start=1795000000&end=1795000009&regexp=(",
    "parse error : stage '|~ \"(\"' : error parsing regexp: missing closing ): `(`");
  f("query=%7Bapp%3D%22a%22%7D&limit=0", "limit must be a positive value");
}

TEST_F(LegacyTest, LabelsValuesAndSeries) {
  EXPECT_EQ(ask("/api/prom/label", {}), json::parse(R"({"status":"success","data":["app","pod","service_name"]})"));
  EXPECT_EQ(ask("/api/prom/label", {{"query", R"({app="b"})"}})["data"], json::parse(R"(["app","service_name"])"));
  EXPECT_EQ(ask("/api/prom/label/app/values", {}), json::parse(R"({"status":"success","data":["a","b"]})"));
  EXPECT_EQ(ask("/api/prom/label/none/values", {}), json::parse(R"({"status":"success"})"));
  EXPECT_EQ(ask("/api/prom/series", {{"match[]", R"({pod="1"})"}}),
            json::parse(R"({"status":"success","data":[{"app":"a","pod":"1","service_name":"a"}]})"));
  EXPECT_EQ(ask("/api/prom/series", {{"match", R"({pod="2"})"}}), json::parse(R"({"status":"success","data":[]})"));
  const auto posted = server_.post("/api/prom/label/app/values", kForm, "start=1795000000&end=1795000009");
  EXPECT_EQ(json::parse(posted.body)["data"], json::parse(R"(["a","b"])"));
}

}  // namespace
}  // namespace cordwood::api
