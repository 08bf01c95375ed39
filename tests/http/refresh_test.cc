// SPDX-License-Identifier: Apache-2.0
// The same question again and again, as a dashboard asks it: what is kept of an answer shows in its time alone.
#include <gmock/gmock.h>

#include <set>

#include "tests/http/bucket_lines.h"

namespace cordwood::api {
namespace {

class RefreshTest : public ::testing::TestWithParam<bool> {
 protected:
  void push(int from, int count) {
    server_.push(lines(from, count));
    for (int i = from; i < from + count; ++i) pushed_.insert(i);
  }
  /// The lines with a 7, newest first, and how many there are in all.
  void expect_all() {
    const nlohmann::json streams = ask(R"({app="s3"} |= "7")");
    std::vector<std::string> got, want;
    for (const auto& value : streams[0]["values"]) got.push_back(value[1]);
    for (auto i = pushed_.rbegin(); i != pushed_.rend(); ++i) {
      const std::string line = "line " + std::to_string(*i) + " of the bucket";
      if (line.find('7') != std::string::npos) want.push_back(line);
    }
    EXPECT_EQ(got, want);
    int sum = 0;
    const nlohmann::json series = ask(R"(sum(count_over_time({app="s3"} |= "line" [1s])))");
    for (const auto& value : series[0]["values"]) sum += std::stoi(value[1].get<std::string>());
    EXPECT_EQ(sum, static_cast<int>(pushed_.size()));
  }
  nlohmann::json ask(const std::string& query) {
    // Windows of the second before 1795000000 and the one after it.
    return server_.ask("/loki/api/v1/query_range", {{"query", query},
                                                    {"start", "1795000000"},
                                                    {"end", "1795000001"},
                                                    {"step", "1s"},
                                                    {"limit", "1000"}})["data"]["result"];
  }

  RunningServer server_{GetParam() ? "" : "memory: {kept_results: 0}\n"};
  std::set<int> pushed_;
};

TEST_P(RefreshTest, ShowsWhatCameSinceAndWhatCameLate) {
  push(100, 200);
  expect_all();
  expect_all();
  push(500, 100);
  expect_all();
  push(0, 50);
  expect_all();
  EXPECT_EQ(server_.call("POST", "/flush").status, 204);
  expect_all();
  push(700, 20);
  expect_all();
  const bool none_taken =
      server_.get("/metrics").body.find("\ncordwood_query_kept_lines_total 0\n") != std::string::npos;
  EXPECT_NE(none_taken, GetParam());
  server_.kill_now();
  server_.start();
  expect_all();
  expect_all();
}
INSTANTIATE_TEST_SUITE_P(Kept, RefreshTest, ::testing::Bool());

}  // namespace
}  // namespace cordwood::api
