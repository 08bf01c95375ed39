// SPDX-License-Identifier: Apache-2.0
// /api/v1/traces against the real binary.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kId = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* kDecimal = "11803532876627986230";  // of its lower half

std::string ns(int64_t seconds) {
  return std::to_string(1'795'000'000 + seconds) + "000000000";
}

json one(const json& labels, int64_t seconds, const std::string& line, const json& metadata = json::object()) {
  return {{"stream", labels}, {"values", json::array({json::array({ns(seconds), line, metadata})})}};
}

std::vector<std::string> lines_of(const json& answer) {
  std::vector<std::string> lines;
  for (const auto& line : answer["lines"]) lines.push_back(line["line"]);
  return lines;
}

class TraceTest : public ::testing::Test {
 protected:
  json trace(const std::string& id, const std::vector<std::pair<std::string, std::string>>& params = {}) {
    return server_.ask("/api/v1/traces/" + percent_encode(id), params);
  }
  json context(const std::string& id, const std::vector<std::pair<std::string, std::string>>& params) {
    return server_.ask("/api/v1/traces/" + percent_encode(id) + "/context", params);
  }
  void flush() { EXPECT_EQ(server_.call("POST", "/flush").status, 204); }

  /// One line of the trace in every form and spelling, each in another second, and lines that are near misses.
  std::vector<std::string> push_every_form() {
    const std::vector<std::pair<std::string, json>> lines = {
        {R"({"level":"info","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","msg":"json"})", json::object()},
        {R"({"level":"error","ctx":{"traceId":"4BF92F3577B34DA6A3CE929D0E0E4736"},"msg":"upper"})", json::object()},
        {R"({"msg":"numbers","dd":{"trace_id":11803532876627986230,"span_id":"7"}})", json::object()},
        {"level=warn trace.id=4bf92f35-77b3-4da6-a3ce-929d0e0e4736 msg=\"logfmt uuid\"", json::object()},
        {"ts=1 level=info dd.trace_id=11803532876627986230 dd.span_id=9 msg=decimal", json::object()},
        {"2026-11-21 INFO [dd.service=a dd.trace_id=11803532876627986230 dd.span_id=9] text", json::object()},
        {"GET / traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 200", json::object()},
        {"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8", json::object()},
        {"raw \x01 (4bf92f3577b34da6a3ce929d0e0e4736)", json::object()},
        {"in metadata", {{"trace_id", kId}}},
        {"in metadata by traceparent", {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}},
        {"in metadata as decimal", {{"dd_trace_id", kDecimal}}},
        {"in metadata as x-ray", {{"xray_trace_id", "1-4BF92F35-77B34DA6A3CE929D0E0E4736"}}},
    };
    const std::vector<std::pair<std::string, json>> others = {
        {"04bf92f3577b34da6a3ce929d0e0e4736 longer", json::object()},
        {"4bf92f3577b34da6a3ce929d0e0e4736a longer", json::object()},
        {"span_id=a3ce929d0e0e4736", json::object()},
        {"count=11803532876627986230", {{"size", kDecimal}}},
        {R"({"trace_id":"118035328766279862301"})", json::object()},
        {R"({"trace_id":"4bf92f3577b34da6a3ce929d0e0e4737"})", json::object()},
    };
    json streams = json::array();
    std::vector<std::string> want;
    for (size_t i = 0; i < lines.size(); ++i) {
      const json labels{{"app", "app-" + std::to_string(i % 3)}};
      streams.push_back(one(labels, static_cast<int64_t>(i), lines[i].first, lines[i].second));
      want.push_back(lines[i].first);
    }
    for (const auto& [line, metadata] : others) streams.push_back(one({{"app", "app-1"}}, 5, line, metadata));
    server_.push(streams);
    return want;
  }

  RunningServer server_;
};

TEST_F(TraceTest, LinesInEveryFormAreFoundByEverySpellingBeforeAndAfterFlushAndRestart) {
  const auto want = push_every_form();
  const auto check = [&](const std::string& when) {
    for (const char* id :
         {kId, "4BF92F3577B34DA6A3CE929D0E0E4736", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "1-4bf92f35-77b34da6a3ce929d0e0e4736",
          "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=1", kDecimal}) {
      const json answer = trace(id);
      EXPECT_EQ(lines_of(answer), want) << when << ", by " << id;
      EXPECT_EQ(answer["traceId"], id == std::string(kDecimal) ? "0000000000000000a3ce929d0e0e4736" : kId);
    }
  };
  check("in the head");
  flush();
  check("in a segment");
  push_every_form();
  check("sent again");
  flush();
  check("sent again and flushed");
  server_.kill_now();
  server_.start();
  check("after a restart");
}

TEST_F(TraceTest, TheAnswerHasServicesLevelsAndMetadata) {
  server_.push(json::array(
      {one({{"app", "shop"}, {"env", "x"}}, 1, R"({"level":"info","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"})"),
       one({{"app", "shop"}, {"env", "y"}}, 3, "level=error <a>\n", {{"trace_id", kId}, {"k", "v"}}),
       one({{"app", "pay"}}, 2, std::string("pay ") + kId)}));
  const auto reply = server_.get(std::string("/api/v1/traces/") + kId);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/json; charset=UTF-8");
  const json answer = json::parse(reply.body);
  EXPECT_EQ(answer, json::parse(R"({
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "start": "1795000001000000000", "end": "1795000003000000000",
    "services": [{"service": "pay", "lines": 1, "levels": {"unknown": 1}},
                 {"service": "shop", "lines": 2, "levels": {"error": 1, "info": 1}}],
    "lines": [
      {"time": "1795000001000000000", "stream": {"app": "shop", "env": "x", "service_name": "shop"},
       "line": "{\"level\":\"info\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}",
       "metadata": {"detected_level": "info"}},
      {"time": "1795000002000000000", "stream": {"app": "pay", "service_name": "pay"},
       "line": "pay 4bf92f3577b34da6a3ce929d0e0e4736", "metadata": {"detected_level": "unknown"}},
      {"time": "1795000003000000000", "stream": {"app": "shop", "env": "y", "service_name": "shop"},
       "line": "level=error <a>\n",
       "metadata": {"detected_level": "error", "k": "v", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}}]})"));
  EXPECT_THAT(server_.log(), HasSubstr("trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
}

TEST_F(TraceTest, WhatIsUnknownAndWhatIsNoId) {
  push_every_form();
  const auto f = [&](const std::string& target, int status, const std::string& text) {
    const auto reply = server_.get("/api/v1/traces/" + target);
    EXPECT_EQ(reply.status, status) << target << ": " << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(text)) << target;
    EXPECT_THAT(reply.headers.get("Content-Type"), HasSubstr("text/plain"));
  };
  f("4bf92f3577b34da6a3ce929d0e0e4700", 404, "no line of trace 4bf92f3577b34da6a3ce929d0e0e4700 found");
  f("4bf92f3577b34da6a3ce929d0e0e4700/context", 404, "no line of trace");
  f("12345", 404, "no line of trace 00000000000000000000000000003039 found");
  f("nonsense", 400, "no trace id: \"nonsense\": want 32 or 16 hex digits");
  f("4bf92f3577b34da6a3ce929d0e0e473", 400, "no trace id");
  f("nonsense/context", 400, "no trace id");
  f("00000000000000000000000000000000", 400, "zero stands for no trace");
  const std::string id = kId;
  f(id + "?limit=0", 400, "limit must be a positive value");
  f(id + "?limit=5001", 400, "limit is 5001, more than traces.max_lines (5000)");
  f(id + "?start=yesterday", 400, "could not parse 'start' parameter");
  f(id + "?start=9&end=9", 400, "end timestamp must not be before or equal to start time");
  f(id + "/context?before=soon", 400, "could not parse 'before' parameter: want a number of lines or a duration");
  f(id + "/context?after=5001", 400, "could not parse 'after' parameter: more lines than traces.max_lines (5000)");
}

TEST_F(TraceTest, LimitStartAndEnd) {
  json values = json::array();
  for (int i = 0; i < 50; ++i) values.push_back({ns(i), fmt::format("line {}", i), {{"trace_id", kId}}});
  server_.push(json::array({{{"stream", {{"app", "x"}}}, {"values", values}}}));
  flush();
  json answer = trace(kId, {{"limit", "3"}});
  EXPECT_THAT(lines_of(answer), ElementsAre("line 0", "line 1", "line 2"));
  EXPECT_EQ(answer["services"][0]["lines"], 50);
  EXPECT_EQ(answer["end"], ns(49));
  answer = trace(kId, {{"start", ns(10)}, {"end", ns(12)}});
  EXPECT_THAT(lines_of(answer), ElementsAre("line 10", "line 11"));
  EXPECT_EQ(answer["start"], ns(10));
  EXPECT_THAT(lines_of(trace(kId, {{"start", ns(48)}})), ElementsAre("line 48", "line 49"));
  EXPECT_THAT(lines_of(trace(kId, {{"end", ns(1)}})), ElementsAre("line 0"));
  EXPECT_EQ(server_.get(std::string("/api/v1/traces/") + kId + "?start=" + ns(60)).status, 404);
}

TEST_F(TraceTest, ContextIsTheLinesAroundItInItsStreams) {
  json streams = json::array();
  for (int i = 0; i < 20; ++i) {
    const bool mine = i == 10 || i == 12;
    streams.push_back(one({{"app", "a"}}, i, fmt::format("a{}", i), mine ? json{{"trace_id", kId}} : json::object()));
    streams.push_back(one({{"app", "other"}}, i, fmt::format("other{}", i)));
    if (i == 9) flush();
  }
  streams.push_back(one({{"app", "b"}}, 11, std::string("b11 ") + kId));
  streams.push_back(one({{"app", "b"}}, 13, "b13"));
  server_.push(streams);
  const std::string b11 = std::string("b11 ") + kId;
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(lines_of(context(kId, {{"before", "2"}, {"after", "1"}})),
                ElementsAre("a8", "a9", "a10", "a11", b11, "a12", "a13", "b13"));
    EXPECT_THAT(lines_of(context(kId, {{"before", "0"}, {"after", "0"}})), ElementsAre("a10", "a11", b11, "a12"));
    EXPECT_THAT(lines_of(context(kId, {{"before", "1s"}, {"after", "2s"}})),
                ElementsAre("a9", "a10", "a11", b11, "a12", "a13", "b13", "a14"));
    EXPECT_THAT(lines_of(context(kId, {{"before", "2"}, {"after", "1"}, {"limit", "2"}})), ElementsAre("a8", "a9"));
    const json whole = context(kId, {});
    EXPECT_EQ(lines_of(whole).size(), 22u);
    EXPECT_EQ(whole["traceId"], kId);
    EXPECT_EQ(whole["start"], ns(0));
    EXPECT_EQ(whole["services"][0], json::parse(R"({"service":"a","lines":20,"levels":{"unknown":20}})"));
    flush();
  }
}

TEST(TraceTenantsTest, ATenantSeesItsOwnLines) {
  RunningServer server("auth_enabled: true\ntraces:\n  id_fields: [corr]\n  max_lines: 2\n");
  const auto as = [](const std::string& tenant) {
    HttpHeaders headers;
    headers.add("X-Scope-OrgID", tenant);
    headers.add("Content-Type", "application/json");
    return headers;
  };
  for (const std::string tenant : {"a", "b"}) {
    const json body{{"streams", json::array({one({{"app", "t"}}, 1, tenant, {{"trace_id", kId}}),
                                             one({{"app", "t"}}, 2, tenant + " corr=a3ce929d0e0e4736"),
                                             one({{"app", "t"}}, 3, tenant + " trace_id=a3ce929d0e0e4736")})}};
    EXPECT_EQ(server.call("POST", "/loki/api/v1/push", as(tenant), body.dump()).status, 204);
  }
  EXPECT_THAT(lines_of(server.ask(std::string("/api/v1/traces/") + kId, {}, as("b"))), ElementsAre("b"));
  EXPECT_THAT(lines_of(server.ask("/api/v1/traces/a3ce929d0e0e4736", {}, as("a"))),
              ElementsAre("a corr=a3ce929d0e0e4736"));
  EXPECT_EQ(server.call("GET", std::string("/api/v1/traces/") + kId, as("c")).status, 404);
  EXPECT_EQ(server.get(std::string("/api/v1/traces/") + kId).status, 401);
  EXPECT_EQ(server.call("GET", std::string("/api/v1/traces/") + kId + "?limit=3", as("a")).status, 400);
}

}  // namespace
}  // namespace cordwood::api
