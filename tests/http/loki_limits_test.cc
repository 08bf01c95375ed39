// SPDX-License-Identifier: Apache-2.0
// A server with the limits Loki ships with answers as Loki does.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kLokisLimits = R"(
ingester:
  max_chunk_age: 2h
limits_config:
  ingestion_rate_mb: 4
  ingestion_burst_size_mb: 6
  per_stream_rate_limit: 3MB
  per_stream_rate_limit_burst: 15MB
  max_global_streams_per_user: 5000
  reject_old_samples: true
  reject_old_samples_max_age: 1w
  creation_grace_period: 10m
  max_label_names_per_series: 15
  max_label_name_length: 1024
  max_label_value_length: 2048
  max_line_size: 256KB
  max_structured_metadata_size: 64KB
  max_structured_metadata_entries_count: 128
)";

class LokiLimitsTest : public ::testing::Test {
 protected:
  static int64_t now_s() { return static_cast<int64_t>(::time(nullptr)); }
  static json entry(int64_t at_s, const std::string& line, const json& metadata = json::object()) {
    return {std::to_string(at_s) + "000000000", line, metadata};
  }
  HttpClient::Reply push_streams(const json& streams) {
    return server_.post("/loki/api/v1/push", "application/json", json{{"streams", streams}}.dump());
  }
  HttpClient::Reply push(const json& labels, const std::vector<json>& values) {
    return push_streams(json::array({{{"stream", labels}, {"values", values}}}));
  }
  std::vector<std::string> stored(const std::string& selector) {
    const json answer = server_.ask("/loki/api/v1/query_range", {{"query", selector},
                                                                 {"start", std::to_string(now_s() - 86'400 * 8)},
                                                                 {"end", std::to_string(now_s() + 3600)},
                                                                 {"direction", "forward"}});
    std::vector<std::string> lines;
    for (const auto& stream : answer["data"]["result"]) {
      for (const auto& value : stream["values"]) lines.push_back(value[1]);
    }
    return lines;
  }
  void expect_refused(const HttpClient::Reply& reply, int status, const std::string& part) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(part));
    EXPECT_EQ(reply.headers.get("Content-Type"), "text/plain; charset=utf-8");
  }
  RunningServer server_{std::string(kLokisLimits)};
};

TEST_F(LokiLimitsTest, EntriesAreRefusedOneByOneAndTheRestIsKept) {
  const int64_t now = now_s();
  const auto f = [&](const std::string& app, const json& bad, const std::string& part) {
    expect_refused(push({{"app", app}}, {bad, entry(now, "good")}), 400, part);
    EXPECT_EQ(stored("{app=\"" + app + "\"}"), std::vector<std::string>{"good"}) << app;
  };
  const auto name = [](const char* app) { return fmt::format(R"({{app="{0}", service_name="{0}"}})", app); };
  f("old", entry(now - 86'400 * 8, "x"), "entry for stream '" + name("old") + "' has timestamp too old: ");
  f("new", entry(now + 660, "x"), "entry for stream '" + name("new") + "' has timestamp too new: ");
  f("long", entry(now, std::string(262'145, 'x')),
    "max entry size '262144' bytes exceeded for stream '" + name("long") +
        "' while adding an entry with length '262145' bytes");
  f("size", entry(now, "x", {{"name", std::string(65'536, 'v')}}),
    "stream '" + name("size") + "' has structured metadata too large: '65540' bytes, limit: '65536' bytes.");
  json many;
  for (int i = 0; i < 129; ++i) many["m" + std::to_string(i)] = "v";
  f("many", entry(now, "x", many),
    "stream '" + name("many") + "' has too many structured metadata labels: '129', limit: '128'.");
  EXPECT_EQ(push({{"app", "edge"}}, {entry(now, std::string(262'144, 'x'))}).status, 204);
}

TEST_F(LokiLimitsTest, EntriesFarBehindTheirStreamAreRefused) {
  const int64_t now = now_s();
  EXPECT_EQ(push({{"app", "b"}}, {entry(now, "newest")}).status, 204);
  EXPECT_EQ(push({{"app", "b"}}, {entry(now - 3590, "just in time")}).status, 204);
  const auto reply = push({{"app", "b"}}, {entry(now - 3700, "too late"), entry(now - 3599, "in time")});
  expect_refused(reply, 400, " ignored, reason: 'entry too far behind, entry timestamp is: ");
  EXPECT_THAT(reply.body, StartsWith("entry with timestamp "));
  EXPECT_THAT(reply.body,
              HasSubstr("user 'fake', total ignored: 1 out of 2 for stream: {app=\"b\", service_name=\"b\"}"));
  EXPECT_EQ(stored(R"({app="b"})"), (std::vector<std::string>{"in time", "just in time", "newest"}));
}

TEST_F(LokiLimitsTest, LabelsOfAStream) {
  const int64_t now = now_s();
  json labels;
  for (int i = 0; i < 15; ++i) labels[fmt::format("l{:02}", i)] = "v";
  EXPECT_EQ(push(labels, {entry(now, "x")}).status, 204);  // service_name does not count
  labels["l15"] = "v";
  expect_refused(push(labels, {entry(now, "x")}), 400, "' has 16 label names; limit 15");
  expect_refused(push({{std::string(1025, 'n'), "v"}}, {entry(now, "x")}), 400, "' has label name too long: 'nnn");
  expect_refused(push({{"app", std::string(2049, 'v')}}, {entry(now, "x")}), 400, "' has label value too long: 'vvv");
}

TEST_F(LokiLimitsTest, RatesAndStreams) {
  const int64_t now = now_s();
  // 27 lines of 256 KB are more than the burst of 6 MB: nothing of it is taken.
  std::vector<json> large;
  for (int i = 0; i < 27; ++i) large.push_back(entry(now, std::string(262'100, 'x') + std::to_string(i)));
  const auto over = push({{"app", "rate"}}, large);
  expect_refused(over, 429,
                 "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to");
  EXPECT_EQ(over.headers.get("Retry-After"), "1");
  EXPECT_TRUE(stored(R"({app="rate"})").empty());

  json streams = json::array();
  for (int i = 0; i < 5001; ++i) {
    streams.push_back({{"stream", {{"pod", std::to_string(i)}}}, {"values", json::array({entry(now, "x")})}});
  }
  expect_refused(push_streams(streams), 429, "maximum active stream limit exceeded when trying to create stream {pod=");
  EXPECT_EQ(push({{"pod", "0"}}, {entry(now + 1, "an old stream goes on")}).status, 204);
}

}  // namespace
}  // namespace cordwood::api
