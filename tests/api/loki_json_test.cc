// SPDX-License-Identifier: Apache-2.0
#include "api/loki_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/stats_json.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::EndsWith;
using ::testing::StartsWith;

std::string whole(HttpResponse response) {
  while (response.stream && response.stream(&response.body)) {
  }
  return response.body;
}

TEST(JsonTextTest, StringsAreEscapedAsLokiDoes) {
  const auto f = [](const std::string& text, const std::string& html, const std::string& plain) {
    std::string out;
    append_json_string(text, JsonEscape::html, &out);
    EXPECT_EQ(out, "\"" + html + "\"");
    out.clear();
    append_json_string(text, JsonEscape::plain, &out);
    EXPECT_EQ(out, "\"" + plain + "\"");
  };
  f("a\"b\\c", R"(a\"b\\c)", R"(a\"b\\c)");
  f("<a>&", R"(\u003ca\u003e\u0026)", "<a>&");
  f("\n\r\t\x01\x7f", "\\n\\r\\t\\u0001\x7f", "\\n\\r\\t\\u0001\x7f");
  f("é世\xf0\x9f\x98\x80", "é世\xf0\x9f\x98\x80", "é世\xf0\x9f\x98\x80");
  f("\xff.\xc3", R"(\ufffd.\ufffd)", R"(\ufffd.\ufffd)");
  f("\u2028", R"(\u2028)", "\u2028");
  f(std::string("\0", 1), R"(\u0000)", R"(\u0000)");
}

TEST(JsonTextTest, FloatsNeverHaveAnExponent) {
  const auto f = [](double value, const std::string& want) {
    std::string out;
    append_go_float(value, &out);
    EXPECT_EQ(out, want);
  };
  f(0, "0");
  f(-0.0, "-0");
  f(2, "2");
  f(0.1, "0.1");
  f(1e23, "100000000000000000000000");
  f(123456.789, "123456.789");
  f(1e-7, "0.0000001");
  f(-1.5e-3, "-0.0015");
  f(18.18181818181818, "18.18181818181818");
  f(std::numeric_limits<double>::infinity(), "+Inf");
  f(-std::numeric_limits<double>::infinity(), "-Inf");
  f(std::nan(""), "NaN");
  std::string text;
  append_seconds(1795049999999, &text);
  append_seconds(1795000000010, &(text += " "));
  append_seconds(1795000000000, &(text += " "));
  EXPECT_EQ(text, "1795049999.999 1795000000.01 1795000000");
}

TEST(JsonTextTest, Base64OfEveryLength) {
  const auto f = [](const std::string& bytes, const std::string& want) {
    std::string out;
    append_base64(bytes, &out);
    EXPECT_EQ(out, want);
  };
  f("", "");
  f("f", "Zg==");
  f("fo", "Zm8=");
  f("foo", "Zm9v");
  f("\xff\xfe\xfd\xfc", "//79/A==");
}

query::Streams two_streams() {
  query::Streams streams;
  streams.streams.push_back({{{"a", "<1>"}}, {{5, "x<", {{"m", "1"}}, {{"p", "2"}}}, {6, "\xff", {}, {}}}});
  streams.streams.push_back({{{"a", "2"}}, {{7, "y", {}, {}}}});
  return streams;
}

TEST(LokiJsonTest, StreamsInLokisOrderOfKeys) {
  query::QueryResult result;
  result.data = two_streams();
  const std::string plain = whole(encode_query(result, {}));
  EXPECT_THAT(
      plain,
      StartsWith(R"({"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"<1>"},"values":)"
                 R"([["5","x\u003c"],["6","\ufffd"]]},{"stream":{"a":"2"},"values":[["7","y"]]}],"stats":{)"));
  EXPECT_THAT(plain, EndsWith("}}}\n"));
  result.warnings = {"w"};
  const std::string flagged =
      whole(encode_query(result, {.categorize_labels = true, .flags = {"categorize-labels"}, .base64_lines = false}));
  EXPECT_THAT(flagged, StartsWith(R"({"status":"success","warnings":["w"],"data":{"resultType":"streams",)"
                                  R"("encodingFlags":["categorize-labels"],"result":[{"stream":{"a":"<1>"},"values":)"
                                  R"([["5","x\u003c",{"structuredMetadata":{"m":"1"},"parsed":{"p":"2"}}],)"
                                  R"(["6","\ufffd",{}]]})"));
  const std::string raw = whole(encode_query(result, {.categorize_labels = false, .flags = {}, .base64_lines = true}));
  EXPECT_EQ(json::parse(raw)["data"]["result"][0]["values"][1][1], "/w==");
}

TEST(LokiJsonTest, MetricsOfEveryKind) {
  const auto f = [](query::QueryResult result, const std::string& want) {
    result.warnings = {"w"};
    const std::string out = whole(encode_query(std::move(result), {}));
    EXPECT_THAT(out, StartsWith(want));
    EXPECT_THAT(out, EndsWith(R"(},"warnings":["w"]})"));
  };
  const query::Series series{{{"a", "1"}}, {{1500, 0.5}, {2000, 2}}};
  query::QueryResult result;
  result.data = query::Matrix{{series, {}}};
  f(result, R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1.5,"0.5"],)"
            R"([2,"2"]]},{"metric":{},"values":[]}],"stats":)");
  result.data = query::Vector{{series, series}};
  f(result, R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"1"},"value":[1.5,"0.5"]},)"
            R"({"metric":{"a":"1"},"value":[1.5,"0.5"]}],"stats":)");
  result.data = query::Scalar{{4000, 2}};
  f(result, R"({"status":"success","data":{"resultType":"scalar","result":[4000,"2"],"stats":)");
}

TEST(LokiJsonTest, LongAnswersInPiecesAreTheSameDocument) {
  query::QueryResult result;
  query::Streams streams;
  for (int s = 0; s < 40; ++s) {
    query::LogStream stream{{{"s", std::to_string(s)}}, {}};
    for (int i = 0; i < 50; ++i) stream.entries.push_back({i, std::string(static_cast<size_t>(i * 13), 'z'), {}, {}});
    streams.streams.push_back(std::move(stream));
  }
  result.data = std::move(streams);
  HttpResponse response = encode_query(result, {});
  std::string body;
  int pieces = 1;
  while (response.stream(&body)) ++pieces;
  EXPECT_GT(pieces, 5);
  const json parsed = json::parse(body);
  ASSERT_EQ(parsed["data"]["result"].size(), 40u);
  for (const auto& stream : parsed["data"]["result"]) EXPECT_EQ(stream["values"].size(), 50u);
}

TEST(LokiJsonTest, StatsHaveEveryKeyOfLoki) {
  query::QueryStats stats;
  stats.lines_processed = 10;
  stats.head_lines = 4;
  stats.execution_ns = 2'000'000'000;
  stats.cpu_ns = 500'000'000;
  std::string out;
  append_stats(stats, &out);
  const json parsed = json::parse(out);
  EXPECT_EQ(parsed["summary"]["execTime"], 2);
  EXPECT_EQ(parsed["summary"]["linesProcessedPerSecond"], 5);
  EXPECT_EQ(parsed["cordwood"]["cpuTime"], 0.5);
  EXPECT_EQ(parsed["querier"]["store"]["chunk"]["decompressedLines"], 6);
  EXPECT_EQ(parsed["ingester"]["store"]["chunk"]["headChunkLines"], 4);
  EXPECT_EQ(parsed["cache"].size(), 10u);
  EXPECT_EQ(parsed["querier"]["store"]["dataobj"].size(), 14u);
  EXPECT_EQ(parsed["summary"].size(), 12u);
}

TEST(LokiJsonTest, EmptyLabelListsLeaveDataOut) {
  EXPECT_EQ(encode_values({}), "{\"status\":\"success\"}\n");
  EXPECT_EQ(encode_values({"a", "b"}), "{\"status\":\"success\",\"data\":[\"a\",\"b\"]}\n");
  EXPECT_EQ(encode_series({}), "{\"status\":\"success\",\"data\":[]}\n");
  EXPECT_EQ(whole(encode_legacy_streams(two_streams(), {})).substr(0, 95),
            R"({"streams":[{"labels":"{a=\"<1>\"}","entries":[{"ts":"1970-01-01T00:00:00.000000005Z","line":"x)");
}

}  // namespace
}  // namespace cordwood::api
