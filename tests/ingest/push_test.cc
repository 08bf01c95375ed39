// SPDX-License-Identifier: Apache-2.0
#include "ingest/push.h"

#include <gtest/gtest.h>

#include "tests/ingest/fake_engine.h"
#include "tests/ingest/protobuf_body.h"

namespace cordwood::ingest {
namespace {

constexpr int64_t kPushedNs = 1'800'000'000'000'000'000;

TEST(PushJson, StoresRows) {
  PushBench bench;
  const auto response =
      bench.push(R"({"streams":[{"stream":{"app":"x","n":5},"values":[["1799999999000000000","a \"quoted\" error",)"
                 R"({"trace.id":"abc","empty":"","__x__":"y"}],["1799999999000000001","plain"]]}]})");
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(response.body, "");
  const std::string stream = R"({app="x", n="5", service_name="x"})";
  const std::vector<PlainRow> want = {{stream,
                                       1'799'999'999'000'000'000,
                                       "a \"quoted\" error",
                                       {{"__x__", "y"}, {"trace_id", "abc"}, {"detected_level", "error"}},
                                       1},
                                      {stream, 1'799'999'999'000'000'001, "plain", {{"detected_level", "unknown"}}, 1}};
  EXPECT_EQ(bench.engine.rows, want);
  EXPECT_EQ(bench.memory.used(MemoryShare::requests), 0u);
}

TEST(PushJson, Answers) {
  const auto f = [](std::string_view body, int status, std::string_view text) {
    PushBench bench;
    const auto response = bench.push(body);
    EXPECT_EQ(response.status, status) << body;
    EXPECT_EQ(response.body, text.empty() ? "" : std::string(text) + "\n") << body;
  };
  constexpr auto kNoStreams = "error at least one valid stream is required for ingestion";
  constexpr auto kNoString = "Value is string, but can't find closing '\"' symbol";
  f("{}", 422, kNoStreams);
  f(R"({"streams":[]})", 422, kNoStreams);
  f(R"({"streams":null})", 422, kNoStreams);
  f(R"({"streams":[{"stream":{"a":"b"},"values":[]}]})", 204, "");
  f(R"({"streams":[{"stream":{"a":"b"}}]})", 204, "");
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1","x"],null]}],"other":[{}]} trailing)", 204, "");
  f(R"({"streams":[{"values":[["1","x"]],"stream":{"a":"b"}}]})", 204, "");
  f(R"({"streams":[{"stream":{"a":"b"},"values":[[1,"x"]]}]})", 400, kNoString);
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1",2]]}]})", 400, kNoString);
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1","x",{"a":1}]]}]})", 400, kNoString);
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1","x",[]]]}]})", 400,
    "Value looks like object, but can't find closing '}' symbol");
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1.5","x"]]}]})", 400,
    "Value looks like Number/Boolean/None, but can't find its end: ',' or '}' symbol");
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["99999999999999999999","x"]]}]})", 400,
    "Value is number, but overflowed while parsing");
  f(R"({"streams":[{"stream":{"a-b":"b"},"values":[["1","x"]]}]})", 400,
    "couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'");
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1","x",{"___":"v"}]]}]})", 500,
    R"(normalization for label name "___" resulted in invalid name "_")");
  f(R"({"streams":[{"stream":{"a":"b"},"values":[["1","x",{"":"v"}]]}]})", 500, "label name is empty");
  f("", 400, "EOF");
}

TEST(PushJson, KeepsBytesThatAreNotUtf8) {
  PushBench bench;
  EXPECT_EQ(bench.push("{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"x\xff\\u00e9\"]]}]}").status, 204);
  ASSERT_EQ(bench.engine.rows.size(), 1u);
  EXPECT_EQ(bench.engine.rows[0].line, "x\xff\xc3\xa9");
}

TEST(PushProtobuf, StoresRowsByteExact) {
  PushBench bench;
  const std::string line("\x00\xff\n\x80 level=warn", 15);
  const std::string body =
      snappy_packed(protobuf_stream(R"({b="2",a="1"})", {{kPushedNs, line, {{"k", "v\xff"}}}, {kPushedNs, "", {}}}));
  const auto response = bench.push(body, "application/x-protobuf");
  EXPECT_EQ(response.status, 204) << response.body;
  ASSERT_EQ(bench.engine.rows.size(), 2u);
  EXPECT_EQ(bench.engine.rows[0].stream, R"({a="1", b="2", service_name="unknown_service"})");
  EXPECT_EQ(bench.engine.rows[0].line, line);
  EXPECT_EQ(metadata_value(bench.engine.rows[0], "k"), "v ");
  EXPECT_EQ(bench.engine.rows[1].line, "");
}

TEST(PushProtobuf, CapturedFromWinston) {
  PushBench bench;
  const std::string hex =
      "48f0470a460a177b6c6576656c3d227761726e222c6a6f623d227770227d122b0a0c08f4ba83d80610c0ace6d702121b70726f746f206c69"
      "6e65"
      "207b226c6576656c223a227761726e227d";
  std::string body;
  for (size_t i = 0; i < hex.size(); i += 2) body += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  EXPECT_EQ(bench.push(body, "application/x-protobuf").status, 204);
  ASSERT_EQ(bench.engine.rows.size(), 1u);
  EXPECT_EQ(bench.engine.rows[0].stream, R"({job="wp", level="warn", service_name="wp"})");
  EXPECT_EQ(bench.engine.rows[0].line, R"(proto line {"level":"warn"})");
  EXPECT_EQ(metadata_value(bench.engine.rows[0], "detected_level"), "warn");
}

TEST(Push, HeadersDecideTheFormat) {
  const auto f = [](std::string_view type, std::string_view encoding, int status, std::string_view text) {
    PushBench bench;
    const auto response = bench.push(R"({"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]})", type, encoding);
    EXPECT_EQ(response.status, status) << type << " " << encoding << " " << response.body;
    EXPECT_EQ(response.body, text.empty() ? "" : std::string(text) + "\n");
  };
  f("application/json", "", 204, "");
  f("application/json; charset=utf-8", "", 204, "");
  f("Application/JSON ;charset=\"utf-8\";", "snappy", 204, "");
  f("", "", 400, "mime: no media type");
  f("application/json; charset", "", 400, "mime: invalid media parameter");
  f("application/json", "br", 400, "Content-Encoding \"br\" not supported");
  f("application/x-protobuf", "", 400, "snappy: corrupt input");
  f("text/plain", "", 400, "snappy: corrupt input");
  f("application/json", "gzip", 400, "gzip: invalid header or data");
}

TEST(Push, RefusesEntriesAndKeepsTheRest) {
  PushBench bench;
  bench.limits.max_line_size_bytes = 10;
  bench.limits.reject_old_samples = true;
  const std::string body = snappy_packed(
      protobuf_stream(R"({app="x"})",
                      {{kPushedNs, "ok 1", {}}, {kPushedNs, "much too long", {}}, {kPushedNs, "ok 2", {}}}) +
      protobuf_stream(R"({app="y"})", {{kPushedNs, "much too long", {}}, {kPushedNs, "good", {}}}));
  auto response = bench.push(body, "application/x-protobuf");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      response.body,
      "1 errors like: max entry size '10' bytes exceeded for stream '{app=\"x\", service_name=\"x\"}' while adding "
      "an entry with length '13' bytes; 1 errors like: max entry size '10' bytes exceeded for stream '{app=\"y\", "
      "service_name=\"y\"}' while adding an entry with length '13' bytes\n");
  EXPECT_EQ(bench.engine.rows.size(), 3u);
  ASSERT_TRUE(bench.engine.record.has_value());
  EXPECT_EQ(bench.engine.record->refused, (std::vector<uint32_t>{1, 3}));
  const auto replayed = bench.replay();
  ASSERT_TRUE(replayed.ok()) << replayed.error().message;
  EXPECT_EQ(*replayed, bench.engine.last_rows);
}

}  // namespace
}  // namespace cordwood::ingest
