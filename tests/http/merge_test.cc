// SPDX-License-Identifier: Apache-2.0
// Segments are merged while the real server answers.
#include <gmock/gmock.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

constexpr int64_t kStartNs = 1795000000000000000;
constexpr int64_t kDayNs = 86'400'000'000'000;  ///< a day's rows are blocks of their own

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

std::string only_segment(const std::string& directory) {
  std::string found;
  for (const std::string& file : files_below(directory)) {
    if (!file.ends_with(".seg")) continue;
    EXPECT_EQ(found, "") << file;
    found = file;
  }
  return found;
}

/// Merged segments know which blocks hold a value; a damaged list of it costs nothing but time.
TEST(MergeTest, FieldsOfMergedSegmentsRuleBlocksOut) {
  RunningServer server("merge:\n  fan_in: 2\n  quiet_after: 1s\nmemory: {kept_results: 0}\n");
  const auto answer = [&](const std::string& filter) {
    json got = server.ask("/loki/api/v1/query_range", {{"query", "{env=\"prod\"} " + filter},
                                                       {"start", std::to_string(kStartNs - 6 * kDayNs)},
                                                       {"end", std::to_string(kStartNs + 60'000'000'000)},
                                                       {"limit", "5000"}})["data"];
    const uint64_t ruled_out = got["stats"]["cordwood"]["blocksRuledOut"];
    got.erase("stats");
    return std::pair(got, ruled_out);
  };
  for (int round = 0; round < 2; ++round) {
    json streams = json::array();
    for (int app = 0; app < 6; ++app) {
      json values = json::array();
      for (int i = 0; i < 20; ++i) {
        const int64_t time = kStartNs - app * kDayNs + (round * 20 + i) * 1'000'000'000LL;
        values.push_back({std::to_string(time), fmt::format(R"({{"http":{{"status":{}}},"n":{}}})", 500 + app, i)});
      }
      streams.push_back({{"stream", {{"env", "prod"}, {"app", fmt::format("a{}", app)}}}, {"values", values}});
    }
    server.push(streams);
    ASSERT_EQ(server.call("POST", "/flush").status, 204);
  }
  const std::vector<std::string> filters = {R"(| json | http_status="503")", "| json | http_status >= 505",
                                            R"(| json | http_status=~"503|600")"};
  std::vector<json> before;
  for (const std::string& filter : filters) before.push_back(answer(filter).first);
  for (int i = 0; i < 600 && number(server, "cordwood_segments") > 1; ++i) ::usleep(20'000);
  ASSERT_EQ(number(server, "cordwood_segment_terms_built_total"), 1) << server.log();
  const auto expect_ruled_out = [&](uint64_t want, const std::string& when) {
    for (size_t i = 0; i < filters.size(); ++i) {
      const auto [got, ruled_out] = answer(filters[i]);
      EXPECT_EQ(got, before[i]) << when << ": " << filters[i];
      EXPECT_EQ(ruled_out, want) << when << ": " << filters[i];
    }
  };
  EXPECT_EQ(before[0]["result"].size(), 20u);
  expect_ruled_out(5, "merged");
  EXPECT_EQ(answer(R"(| json | http_status="600")").second, 6u);
  server.kill_now();

  // The merge before may have left what it replaced; the start removes it.
  server.start();
  expect_ruled_out(5, "after a restart");
  const std::string path = only_segment(server.data_dir());
  const CommandResult shown = run_command({"inspect", path});
  EXPECT_EQ(shown.status, 0) << shown.out;
  EXPECT_NE(shown.out.find("json http.status: 6 values, 6 times in a block; range alone in 0 blocks, nothing in 0"),
            std::string::npos)
      << shown.out;
  server.kill_now();

  static constexpr std::string_view kPlace = "section xapian: ";
  const size_t at = shown.out.find(kPlace);
  ASSERT_NE(at, std::string::npos) << shown.out;
  const size_t offset = std::stoul(shown.out.substr(shown.out.find(" at ", at) + 4));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset) + 30);
  file.write("damage", 6);
  file.close();
  EXPECT_EQ(run_command({"inspect", path}).status, 1);
  server.start();
  expect_ruled_out(0, "damaged");
  EXPECT_EQ(number(server, "cordwood_segment_terms_damaged_total"), 1);
  EXPECT_EQ(server.terminate(), 0);
}

}  // namespace
}  // namespace cordwood::api
