// SPDX-License-Identifier: Apache-2.0
// Segments are merged while the real server answers.
#include <gmock/gmock.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

constexpr int64_t kStartNs = 1795000000000000000;

double number(RunningServer& server, const std::string& name) {
  const std::string text = "\n" + server.get("/metrics").body;
  const size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return -1;
  const size_t value = at + name.size() + 2;
  return std::stod(text.substr(value, text.find('\n', value) - value));
}

json answers(RunningServer& server) {
  const auto range = [](std::string query) {
    return std::vector<std::pair<std::string, std::string>>{{"query", std::move(query)},
                                                            {"start", std::to_string(kStartNs - 1'000'000'000)},
                                                            {"end", std::to_string(kStartNs + 60'000'000'000)},
                                                            {"limit", "5000"},
                                                            {"step", "10s"}};
  };
  json all = json::array();
  for (const char* query :
       {R"({app=~".+"})", R"({app="a"} | json | n >= 20)", R"({app=~".+"} |= "round 3")",
        R"(sum by (app) (count_over_time({app=~".+"}[10s])))", R"(sum(bytes_over_time({app="b"}[20s])))"}) {
    json answer = server.ask("/loki/api/v1/query_range", range(query))["data"];
    answer.erase("stats");
    all.push_back(std::move(answer));
  }
  all.push_back(server.ask("/loki/api/v1/index/stats", range(R"({app=~".+"})"))["entries"]);
  all.push_back(server.ask("/loki/api/v1/series", range(R"({app=~".+"})"))["data"]);
  return all;
}

TEST(MergeTest, AnswersStayTheSameWhileSegmentsAreMerged) {
  RunningServer server("merge:\n  fan_in: 4\n  own_segment_size: 1KB\n");
  for (int round = 0; round < 12; ++round) {
    json streams = json::array();
    for (const char* app : {"a", "b", "c"}) {
      json values = json::array();
      for (int i = 0; i < 40; ++i) {
        const int64_t time = kStartNs + (round * 30 + i) * 100'000'000LL;
        values.push_back({std::to_string(time), fmt::format(R"({{"n":{},"text":"round {} of {}"}})", i, round, app)});
      }
      streams.push_back({{"stream", {{"app", app}}}, {"values", values}});
    }
    server.push(streams);
    ASSERT_EQ(server.call("POST", "/flush").status, 204);
  }
  const json before = answers(server);
  EXPECT_EQ(before[0]["result"].size(), 3u);
  for (int i = 0; i < 600 && number(server, "cordwood_segments") > 4; ++i) {
    EXPECT_EQ(answers(server), before);
    if (HasFailure()) return;
    ::usleep(20'000);
  }
  EXPECT_GE(number(server, "cordwood_merges_total"), 3) << server.log();
  EXPECT_LE(number(server, "cordwood_segments"), 4) << server.log();
  EXPECT_EQ(answers(server), before);
  server.kill_now();
  server.start();
  EXPECT_EQ(answers(server), before) << "after a restart";
  EXPECT_EQ(server.terminate(), 0);
}

}  // namespace
}  // namespace cordwood::api
