// SPDX-License-Identifier: Apache-2.0
// What real clients send, against the real binary (the rows of the replay checklist that the server knows by now).
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

#include "tests/http/running_server.h"
#include "tests/support/raw_client.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class ClientsTest : public ::testing::Test {
 protected:
  static std::string ns(int64_t seconds) { return std::to_string(1'795'000'000 + seconds) + "000000000"; }
  json range(const std::string& query, int64_t from, int64_t to, const HttpHeaders& headers = {}) {
    return server_.ask(kRange, {{"query", query}, {"start", ns(from)}, {"end", ns(to)}, {"direction", "forward"}},
                       headers);
  }
  static std::vector<std::string> lines_of(const json& answer) {
    std::vector<std::string> lines;
    for (const auto& stream : answer["data"]["result"]) {
      for (const auto& value : stream["values"]) lines.push_back(value[1]);
    }
    return lines;
  }
  RunningServer server_;
};

TEST_F(ClientsTest, GrafanasHealthCheckPassesOnAnEmptyStore) {
  const auto reply =
      server_.get("/loki/api/v1/query?direction=backward&query=vector%281%29%2Bvector%281%29&time=4000000000");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/json; charset=UTF-8");
  const json data = json::parse(reply.body)["data"];
  EXPECT_EQ(data["resultType"], "vector");
  ASSERT_EQ(data["result"].size(), 1u);
  EXPECT_EQ(data["result"][0]["value"][1], "2");
}

TEST_F(ClientsTest, CategorisedLabelsComeBeforeTheResultAndOnEveryEntry) {
  server_.push(json::parse(R"([{"stream":{"app":"cat"},"values":[["1795000001000000000","plain <b>"],
      ["1795000002000000000","with",{"trace_id":"abc"}]]}])"));
  HttpHeaders flags;
  flags.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
  const auto reply =
      server_.call("GET", std::string(kRange) + "?query=%7Bapp%3D%22cat%22%7D&start=" + ns(0) + "&end=" + ns(9), flags);
  EXPECT_LT(reply.body.find("\"encodingFlags\":[\"categorize-labels\"]"), reply.body.find("\"result\":"));
  EXPECT_THAT(reply.body, HasSubstr("plain \\u003cb\\u003e"));
  const json data = json::parse(reply.body)["data"];
  ASSERT_EQ(data["result"].size(), 1u);
  EXPECT_EQ(data["result"][0]["stream"], json::parse(R"({"app":"cat","service_name":"cat"})"));
  ASSERT_EQ(data["result"][0]["values"].size(), 2u);
  EXPECT_EQ(data["result"][0]["values"][0][2],
            json::parse(R"({"structuredMetadata":{"detected_level":"unknown","trace_id":"abc"}})"));
  EXPECT_EQ(data["result"][0]["values"][1].size(), 3u);

  const json merged = range(R"({app="cat"})", 0, 9);
  ASSERT_EQ(merged["data"]["result"].size(), 2u);
  for (const auto& stream : merged["data"]["result"]) EXPECT_EQ(stream["values"][0].size(), 2u);
  EXPECT_FALSE(merged["data"].contains("encodingFlags"));
  for (const char* part : {"summary", "querier", "ingester", "cache", "index"}) {
    EXPECT_TRUE(merged["data"]["stats"].contains(part)) << part;
  }
}

TEST_F(ClientsTest, AdjacentRangesShareNoLineAndLoseNone) {
  server_.push(json::parse(R"([{"stream":{"app":"adj"},"values":[["1795000001000000000","a"],
      ["1795000002000000000","b"],["1795000003000000000","c"]]}])"));
  EXPECT_EQ(lines_of(range(R"({app="adj"})", 1, 2)), std::vector<std::string>{"a"});
  EXPECT_EQ(lines_of(range(R"({app="adj"})", 2, 4)), (std::vector<std::string>{"b", "c"}));
  const json counts = server_.ask(
      kRange, {{"query", R"(count_over_time({app="adj"}[1s]))"}, {"start", ns(2)}, {"end", ns(3)}, {"step", "1000ms"}});
  EXPECT_EQ(counts["data"]["result"][0]["values"], json::parse(R"([[1795000002,"1"],[1795000003,"1"]])"));
}

TEST_F(ClientsTest, IndexEndpointsTakeTimesInEveryForm) {
  server_.push(json::parse(R"([{"stream":{"app":"idx"},"values":[["1795000001000000000","12345"]]}])"));
  for (const auto& [from, to] : {std::pair<std::string, std::string>{ns(0), ns(9)},
                                 {"2026-11-18T11:06:40.000Z", "2026-11-18T11:06:49.000Z"},
                                 {"1795000000", "1795000009"}}) {
    const json stats =
        server_.ask("/loki/api/v1/index/stats", {{"query", R"({app="idx"})"}, {"start", from}, {"end", to}});
    EXPECT_EQ(stats["entries"], 1) << from;
    EXPECT_EQ(stats["streams"], 1) << from;
    EXPECT_FALSE(stats.contains("status"));
    const json volume = server_.ask("/loki/api/v1/index/volume",
                                    {{"query", R"({app=~".+"})"}, {"start", from}, {"end", to}, {"limit", "5000"}});
    EXPECT_EQ(volume["status"], "success");
    EXPECT_EQ(volume["data"]["resultType"], "vector");
    EXPECT_EQ(volume["data"]["result"][0]["metric"], json::parse(R"({"app":"idx"})")) << from;
    EXPECT_EQ(volume["data"]["result"][0]["value"], json::parse(R"([1795000009,"5"])")) << from;
    const auto ask = [&](const std::string& path) {
      return server_.ask("/loki/api/v1/" + path,
                         {{"query", R"({app="idx"})"}, {"start", from}, {"end", to}, {"step", "10s"}});
    };
    EXPECT_EQ(ask("detected_fields"), json::parse(R"({"fields":[{"label":"detected_level","type":"string",
        "cardinality":1,"parsers":null}],"limit":1000})"))
        << from;
    EXPECT_EQ(ask("detected_labels"), json::parse(R"({"detectedLabels":[{"label":"app","cardinality":1},
        {"label":"service_name","cardinality":1}]})"))
        << from;
    EXPECT_EQ(ask("patterns"), json::parse(R"({"status":"success","data":[{"pattern":"<_>","level":"unknown",
        "samples":[[1795000000,1]]}]})"))
        << from;
  }
}

TEST_F(ClientsTest, TheVolumeHistogramKnowsLevelsNobodySent) {
  server_.push(json::parse(R"([{"stream":{"app":"vol"},"values":[["1795000001000000000","level=error x"],
      ["1795000002000000000","nothing"]]}])"));
  const json answer = server_.ask(
      kRange, {{"query", R"(sum by (level, detected_level) (count_over_time({app="vol"} | drop __error__[10s])))"},
               {"start", ns(0)},
               {"end", ns(10)},
               {"step", "10000ms"}});
  std::set<std::string> levels;
  for (const auto& series : answer["data"]["result"]) levels.insert(series["metric"].value("detected_level", ""));
  EXPECT_EQ(levels, (std::set<std::string>{"error", "unknown"}));
}

TEST_F(ClientsTest, NoStreamIsSharded) {
  server_.push(json::parse(R"([{"stream":{"app":"sh"},"values":[["1795000001000000000","x"]]}])"));
  EXPECT_EQ(lines_of(range(R"({app="sh", __stream_shard__=""})", 0, 9)), std::vector<std::string>{"x"});
  EXPECT_EQ(server_.ask("/loki/api/v1/label/__stream_shard__/values", {{"start", ns(0)}, {"end", ns(9)}}),
            json::parse(R"({"status":"success"})"));
}

TEST_F(ClientsTest, PushesAsClientsSendThem) {
  const std::string good = R"({"streams":[{"stream":{"app":"p","num":5},"values":[["1795000001000000000","l"]]}]})";
  const auto f = [&](const std::string& path, const std::string& type, const std::string& body, int want) {
    const auto reply = server_.post(path, type, body);
    EXPECT_EQ(reply.status, want) << path << " " << type << " " << body.substr(0, 60) << ": " << reply.body;
    if (want == 204) {
      EXPECT_EQ(reply.body, "");
    } else {
      EXPECT_EQ(reply.headers.get("X-Content-Type-Options"), "nosniff");
    }
  };
  const std::string push = "/loki/api/v1/push";
  f(push, "", good, 400);
  f(push, "application/json", R"({"streams":[{"stream":{"app":"p"},"values":[[1795000001000000000,"l"]]}]})", 400);
  f(push, "application/json", good, 204);
  f(push, "application/json; charset=utf-8", good, 204);
  f(push, "application/json", R"({"streams":[]})", 422);
  f("/api/prom/push", "application/json",
    R"({"streams":[{"labels":"{app=\"v0\"}","entries":[{"ts":"2026-11-18T11:06:41Z","line":"old"}]}]})", 204);

  std::string hex =
      "48f0470a460a177b6c6576656c3d227761726e222c6a6f623d227770227d122b0a0c08f4ba83d80610c0ace6d702121b70726f746f206c69"
      "6e65207b226c6576656c223a227761726e227d";
  std::string packed;
  for (size_t i = 0; i < hex.size(); i += 2)
    packed.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  f(push, "application/x-protobuf", packed, 204);
  HttpHeaders marked;
  marked.add("Content-Type", "application/x-protobuf");
  marked.add("Content-Encoding", "snappy");
  EXPECT_EQ(server_.call("POST", push, marked, packed).status, 204);
  EXPECT_EQ(server_.ask("/loki/api/v1/label/num/values", {{"start", ns(0)}, {"end", ns(9)}})["data"],
            json::parse(R"(["5"])"));
  EXPECT_EQ(lines_of(range(R"({app="v0"})", 0, 9)), std::vector<std::string>{"old"});
}

TEST_F(ClientsTest, GrafanaGoesFromATraceToItsLines) {
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  server_.push(json::array({{{"stream", {{"app", "t2l"}}},
                             {"values",
                              {{"1795000001000000000", "in the line " + id},
                               {"1795000002000000000", "in metadata", {{"trace_id", id}}},
                               {"1795000003000000000", "neither"},
                               {"1795000004000000000", R"({"msg":"in a field","traceId":")" + id + "\"}"}}}}}));
  const auto f = [&](const std::string& query, std::vector<std::string> want) {
    auto lines = lines_of(range(query, 0, 9));
    std::sort(lines.begin(), lines.end());
    std::sort(want.begin(), want.end());
    EXPECT_EQ(lines, want) << query;
  };
  const std::string field = R"({"msg":"in a field","traceId":")" + id + "\"}";
  const std::string contains = R"({app="t2l"} | label_format log_line_contains_trace_id=`{{ contains ")" + id +
                               R"(" __line__  }}` | log_line_contains_trace_id="true" )";
  f(contains + "OR trace_id=\"" + id + "\"", {"in the line " + id, "in metadata", field});
  f(contains + "or trace_id=\"" + id + "\"", {"in the line " + id, "in metadata", field});
  f(R"({app="t2l"} |=")" + id + "\"", {"in the line " + id, field});
  f(R"({app="t2l"} | logfmt | json | drop __error__ | traceId=")" + id + "\"", {field});
  f(R"q({job=~"(.*/)?(svc1|svc2)"} | logfmt | json | drop __error__ | traceId=")q" + id + "\"", {});
}

TEST_F(ClientsTest, GrafanaAsksThirteenThingsAtOnce) {
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736", span = "00f067aa0ba902b7";
  const std::string line = "trace_id=" + id + " span_id=" + span;
  server_.push(json::array(
      {{{"stream", {{"job", "shop/svc1"}}}, {"values", json::array({json::array({"1795000001000000000", line})})}}}));
  std::vector<std::string> queries;
  for (const std::string selector : {R"({namespace="shop"})", R"q({job=~"(.*/)?(svc1|svc2)"})q"}) {
    for (const auto& [trace, name] : {std::pair{"traceID", "spanID"},
                                      {"trace_id", "span_id"},
                                      {"traceId", "spanId"},
                                      {"TraceID", "SpanID"},
                                      {"TraceId", "SpanId"},
                                      {"otel_trace_id", "otel_span_id"}}) {
      queries.push_back(selector + " | logfmt | json | drop __error__ | " + trace + "=\"" + id + "\" | " + name +
                        "=\"" + span + "\"");
    }
  }
  queries.push_back(R"({job="shop/svc1"} |= ")" + id + "\" |= \"" + span + "\"");
  ASSERT_EQ(queries.size(), 13u);
  std::vector<HttpClient::Reply> replies(queries.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < queries.size(); ++i) {
    threads.emplace_back([&, i] {
      HttpClient client(ServerUrl{"127.0.0.1", std::to_string(server_.port()), ""});
      auto reply = client.call("GET",
                               std::string(kRange) + "?query=" + percent_encode(queries[i]) + "&start=" + ns(0) +
                                   "&end=" + ns(9) + "&limit=1000&step=1000ms",
                               {}, "");
      if (reply.ok()) replies[i] = std::move(*reply);
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t found = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    ASSERT_EQ(replies[i].status, 200) << queries[i] << ": " << replies[i].body;
    const auto lines = lines_of(json::parse(replies[i].body));
    EXPECT_TRUE(lines.empty() || lines == std::vector<std::string>{line}) << queries[i];
    found += lines.size();
  }
  EXPECT_EQ(found, 2u);
}

TEST_F(ClientsTest, TheSameBatchTwiceIsKeptOnce) {
  const json batch = json::parse(R"([{"stream":{"app":"twice"},"values":[["1795000001000000000","a"],
      ["1795000002000000000","b"]]}])");
  server_.push(batch);
  server_.push(batch);
  EXPECT_EQ(lines_of(range(R"({app="twice"})", 0, 9)), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(server_.call("POST", "/flush").status, 204);
  server_.push(batch);
  EXPECT_EQ(lines_of(range(R"({app="twice"})", 0, 9)), (std::vector<std::string>{"a", "b"}));
}

TEST_F(ClientsTest, OpenTelemetryOverHttp) {
  const std::string body =
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},
      "scopeLogs":[{"scope":{"name":"scope"},"logRecords":[{"timeUnixNano":"1795000001000000000","severityNumber":9,
      "severityText":"INFO","body":{"stringValue":"hello otlp"},"attributes":[{"key":"a","value":{"intValue":1}}]}]}]}]})";
  EXPECT_EQ(server_.post("/otlp/v1/logs", "application/json", body).status, 204);
  EXPECT_EQ(lines_of(range(R"({service_name="svc"} | a="1")", 0, 9)), std::vector<std::string>{"hello otlp"});
  const auto bad = server_.post("/otlp/v1/logs", "text/plain", body);
  EXPECT_EQ(bad.status / 100, 4);
  ASSERT_FALSE(bad.body.empty());
  EXPECT_EQ(bad.body[0], '\x12');  // google.rpc.Status, message alone
}

/// A body in chunks of a few bytes, as Node.js sends streams, and the status line of the answer.
std::string send_chunked(int port, const std::string& target, const std::string& type, std::string_view body) {
  RawClient client(static_cast<uint16_t>(port));
  client.send("POST " + target +
              " HTTP/1.1\r\nHost: h\r\nUser-Agent: OTel-OTLP-Exporter-JavaScript/0.301.0\r\nContent-Type: " + type +
              "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  for (size_t at = 0; at < body.size(); at += 100) {
    const std::string_view chunk = body.substr(at, 100);
    client.send(fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk));
  }
  client.send("0\r\n\r\n");
  const std::string answer = client.read_all();
  return answer.substr(0, answer.find("\r\n"));
}

TEST_F(ClientsTest, OpenTelemetryInChunks) {
  const auto record = [](const std::string& key) {
    return R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"js"}}],
        "droppedAttributesCount":0},"scopeLogs":[{"scope":{"name":"scope","version":"1.0"},"logRecords":[{"timeUnixNano":
        "1795000001000000000","observedTimeUnixNano":"1795000001000000001","severityNumber":9,"severityText":"INFO",
        "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","body":{"stringValue":"in chunks"},
        "attributes":[{"key":")" +
           key + R"(","value":{"intValue":1}},{"key":"c","value":{"arrayValue":{"values":[{"intValue":1}]}}}],
        "droppedAttributesCount":0}]}]}]})";
  };
  EXPECT_EQ(send_chunked(server_.port(), "/otlp/v1/logs", "application/json", record("a")), "HTTP/1.1 204 No Content");
  EXPECT_EQ(lines_of(range(R"({service_name="js"} | a="1" | c="[1]" | trace_id="4bf92f3577b34da6a3ce929d0e0e4736"
                               | span_id="00f067aa0ba902b7")",
                           0, 9)),
            std::vector<std::string>{"in chunks"});
  // What Loki calls an internal error is one to try again for exporters, who never do so after a 500.
  EXPECT_EQ(send_chunked(server_.port(), "/otlp/v1/logs", "application/json", record("")),
            "HTTP/1.1 503 Service Unavailable");
}

TEST_F(ClientsTest, ErrorsArePlainText) {
  const auto f = [&](const std::string& method, const std::string& target, int status, const std::string& body) {
    const auto reply = server_.call(method, target);
    EXPECT_EQ(reply.status, status) << target;
    EXPECT_EQ(reply.body, body) << target;
  };
  f("GET", "/nosuch", 404, "404 page not found\n");
  f("GET", "/loki/api/v1/labels/", 404, "404 page not found\n");
  f("DELETE", "/loki/api/v1/labels", 405, "");
  f("GET", std::string(kRange) + "?query=%7Bapp%3D%22x", 400, "parse error at line 1, col 6: literal not terminated");
  f("GET", std::string(kRange) + "?query=%7Bapp%3D%22x%22%7D&limit=0", 400, "limit must be a positive value");
  f("GET", "/loki/api/v1/drilldown-limits", 401, "no org id\n");
  f("GET", "/api/prom/rules", 404, "no rule groups found\n");
  f("GET", "/prometheus/api/v1/rules", 200, R"({"status":"success","data":{"groups":[]},"errorType":"","error":""})");
}

TEST_F(ClientsTest, FormsArePostedAndGoBeforeTheUrl) {
  server_.push(json::parse(R"([{"stream":{"app":"form"},"values":[["1795000001000000000","x"]]}])"));
  const auto reply = server_.post(std::string(kRange) + "?query=%7Bapp%3D%22other%22%7D&start=" + ns(0),
                                  "application/x-www-form-urlencoded", "query=%7Bapp%3D%22form%22%7D&end=" + ns(9));
  EXPECT_EQ(lines_of(json::parse(reply.body)), std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace cordwood::api
