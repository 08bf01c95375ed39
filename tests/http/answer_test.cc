// SPDX-License-Identifier: Apache-2.0
// What the answers of query and query_range look like: labels by their kind, figures, forms and packing.
#include <gmock/gmock.h>
#include <zlib.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kInstant = "/loki/api/v1/query";

std::string unpacked(const std::string& body) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 31), Z_OK);
  std::string out(1 << 20, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  z.avail_in = static_cast<uInt>(body.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - z.avail_out);
  inflateEnd(&z);
  return out;
}

std::string form(const std::string& query, const std::string& rest) {
  return "query=" + percent_encode(query) + "&" + rest;
}

class AnswerTest : public ::testing::Test {
 protected:
  /// Each answer is read anew, so that its figures tell what it takes.
  explicit AnswerTest(const std::string& config =
                          "limits_config: {discover_log_levels: false}\n"
                          "memory: {kept_results: 0}\n")
      : server_(config) {}
  void SetUp() override {
    server_.push(json::parse(R"([{"stream":{"app":"x"},"values":[
        ["1795000001000000000","a=1 app=2 m=3"],["1795000002000000000","a=4",{"m":"5"}],
        ["1795000003000000000","<plain>",{"trace_id":"t"}],["1795000004000000000","plain"]]}])"));
  }
  json range(const std::string& query, const std::string& flags) {
    HttpHeaders headers;
    if (!flags.empty()) headers.add("X-Loki-Response-Encoding-Flags", flags);
    const auto reply =
        server_.call("GET", std::string(kRange) + "?" + form(query, "start=1795000000&end=1795000009"), headers);
    EXPECT_EQ(reply.status, 200) << reply.body;
    const size_t type = reply.body.find("\"resultType\""), told = reply.body.find("\"encodingFlags\"");
    const size_t result = reply.body.find("\"result\":"), stats = reply.body.find("\"stats\"");
    EXPECT_TRUE(type < result && result < stats) << reply.body;
    EXPECT_EQ(type < told && told < result, !flags.empty()) << reply.body;
    return json::parse(reply.body)["data"];
  }
  RunningServer server_;
};

TEST_F(AnswerTest, CategorisedLabelsStandWhereTheyCameFrom) {
  const std::string flag = "categorize-labels";
  json data = range(R"({app="x"})", flag);
  EXPECT_EQ(data["encodingFlags"], json::array({flag}));
  EXPECT_EQ(data["result"], json::parse(R"([{"stream":{"app":"x","service_name":"x"},"values":[
      ["1795000004000000000","plain",{}],
      ["1795000003000000000","<plain>",{"structuredMetadata":{"trace_id":"t"}}],
      ["1795000002000000000","a=4",{"structuredMetadata":{"m":"5"}}],
      ["1795000001000000000","a=1 app=2 m=3",{}]]}])"));
  data = range(R"({app="x"} | logfmt | label_format b="{{.a}}")", flag);
  ASSERT_EQ(data["result"].size(), 1u);
  EXPECT_EQ(data["result"][0]["stream"], json::parse(R"({"app":"x","service_name":"x"})"));
  EXPECT_EQ(data["result"][0]["values"], json::parse(R"([
      ["1795000004000000000","plain",{"parsed":{"b":""}}],
      ["1795000003000000000","<plain>",{"structuredMetadata":{"trace_id":"t"},"parsed":{"b":""}}],
      ["1795000002000000000","a=4",{"structuredMetadata":{"m":"5"},"parsed":{"a":"4","b":"4"}}],
      ["1795000001000000000","a=1 app=2 m=3",{"parsed":{"a":"1","app_extracted":"2","b":"1","m":"3"}}]])"));
  EXPECT_EQ(range(R"({app="none"})", flag)["result"], json::array());
  EXPECT_EQ(range(R"({app="x"})", "other," + flag)["encodingFlags"], json::array({"other", flag}));
}

TEST_F(AnswerTest, WithoutTheFlagAllLabelsAreTheStreams) {
  const json data = range(R"({app="x"} | logfmt)", "");
  EXPECT_EQ(data["result"], json::parse(R"([
      {"stream":{"a":"1","app":"x","app_extracted":"2","m":"3","service_name":"x"},
       "values":[["1795000001000000000","a=1 app=2 m=3"]]},
      {"stream":{"a":"4","app":"x","m":"5","service_name":"x"},"values":[["1795000002000000000","a=4"]]},
      {"stream":{"app":"x","service_name":"x","trace_id":"t"},"values":[["1795000003000000000","<plain>"]]},
      {"stream":{"app":"x","service_name":"x"},"values":[["1795000004000000000","plain"]]}])"));
}

TEST_F(AnswerTest, FormsAndPackedAnswersAreTheSame) {
  const auto without_stats = [](const std::string& body) {
    json answer = json::parse(body, nullptr, false);
    EXPECT_FALSE(answer.is_discarded()) << body;
    answer["data"].erase("stats");
    return answer;
  };
  const auto f = [&](const std::string& path, const std::string& parameters) {
    const auto plain = server_.get(path + "?" + parameters);
    EXPECT_EQ(plain.status, 200) << plain.body;
    EXPECT_EQ(plain.headers.get("Content-Encoding"), "");
    const json want = without_stats(plain.body);
    EXPECT_FALSE(want["data"]["result"].empty());
    HttpHeaders headers;
    headers.add("Accept-Encoding", "gzip, deflate, br");
    const auto packed = server_.call("GET", path + "?" + parameters, headers);
    EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.headers.get("Content-Type"), "application/json; charset=UTF-8");
    EXPECT_EQ(without_stats(unpacked(packed.body)), want);
    EXPECT_EQ(without_stats(server_.post(path, kForm, parameters).body), want);
    headers.add("Content-Type", kForm);
    EXPECT_EQ(without_stats(unpacked(server_.call("POST", path, headers, parameters).body)), want);
    EXPECT_EQ(without_stats(server_.post(path + "?query=wrong", kForm, parameters).body), want);
  };
  f(kRange, form(R"({app="x"})", "start=1795000000&end=1795000009&direction=forward"));
  f(kRange, form(R"(sum(count_over_time({app="x"}[5s])))", "start=1795000000&end=1795000009&step=1"));
  f(kInstant, form(R"(count_over_time({app="x"}[10s]))", "time=1795000009"));
  f(kInstant, form("1 + 1", "time=1795000009"));
  const auto bad = server_.post(kRange, kForm, "query=%zz");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr("invalid URL escape"));
}

TEST_F(AnswerTest, StatsTellWhatWasRead) {
  const uint64_t line_bytes = 13 + 3 + 7 + 5;
  for (const bool flushed : {false, true}) {
    if (flushed) {
      ASSERT_EQ(server_.call("POST", "/flush").status, 204);
    }
    const json stats = range(R"({app="x"} |~ "pl?ai")", "")["stats"];
    const json& summary = stats["summary"];
    EXPECT_EQ(summary["totalLinesProcessed"], 4) << flushed;
    EXPECT_GE(summary["totalBytesProcessed"], line_bytes) << flushed;
    EXPECT_EQ(summary["totalPostFilterLines"], 2) << flushed;
    EXPECT_EQ(summary["totalEntriesReturned"], 2) << flushed;
    EXPECT_GT(summary["execTime"], 0.0);
    EXPECT_GT(summary["linesProcessedPerSecond"], 0);
    EXPECT_GT(summary["bytesProcessedPerSecond"], 0);
    EXPECT_EQ(stats["ingester"]["store"]["chunk"]["headChunkLines"], flushed ? 0 : 4);
    EXPECT_EQ(stats["querier"]["store"]["chunk"]["decompressedLines"], flushed ? 4 : 0);
    EXPECT_EQ(stats["querier"]["store"]["totalChunksDownloaded"], flushed ? 1 : 0);
    EXPECT_EQ(stats["index"]["totalStreams"], 1) << flushed;
    const json none = range(R"({app="none"})", "")["stats"];
    EXPECT_EQ(none["summary"]["totalLinesProcessed"], 0);
    EXPECT_EQ(none["summary"]["totalBytesProcessed"], 0);
  }
}

TEST_F(AnswerTest, OneShardHoldsEverything) {
  const std::string path = "/loki/api/v1/index/shards";
  const std::string rest = "start=1795000000&end=1795000009";
  const auto f = [&](const std::string& query, const std::string& more, int status, const std::string& want) {
    const auto reply = server_.get(path + "?" + form(query, rest + more));
    EXPECT_EQ(reply.status, status) << query << more;
    EXPECT_EQ(reply.body.substr(0, want.size()), want) << query << more;
  };
  const std::string one = R"({"shards":[{"bounds":{"min":0,"max":18446744073709551615},"stats":{"streams":1,"chunks":)";
  f(R"({app="x"})", "&targetBytesPerShard=600MB", 200, one);
  f(R"({app="x"} |= "a" | logfmt)", "&targetBytesPerShard=1", 200, one);
  f(R"(sum by (app) (rate({app="x"} | json [1m])))", "&targetBytesPerShard=1", 200, one);
  f(R"({app="x"})", "", 400, "targetBytesPerShard must be a positive value");
  f(R"({app="x"})", "&targetBytesPerShard=0", 400, "targetBytesPerShard must be a positive value");
  f(R"({app="x")", "&targetBytesPerShard=1", 400, "parse error at line 1, col 9: syntax error");
  const json answer = server_.ask(
      path,
      {{"query", R"({app="x"})"}, {"start", "1795000000"}, {"end", "1795000009"}, {"targetBytesPerShard", "1KB"}});
  EXPECT_EQ(answer["shards"][0]["stats"]["entries"], 4);
  EXPECT_TRUE(answer["statistics"].contains("summary"));
  EXPECT_TRUE(answer["chunkGroups"].is_null());
}

}  // namespace
}  // namespace cordwood::api
