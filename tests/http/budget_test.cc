// SPDX-License-Identifier: Apache-2.0
// What a query may cost, and what others notice of one that costs much.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kBudgetLines = 40'000;

class BudgetTest : public ::testing::Test {
 protected:
  static std::string url(const std::string& query, int64_t end_s) {
    return "/loki/api/v1/query_range?query=" + percent_encode(query) + "&start=" + std::to_string(end_s - 7200) +
           "&end=" + std::to_string(end_s) + "&step=60";
  }
  /// Lines of two apps with an id each, and the time after the last.
  static int64_t fill(RunningServer* server) {
    const int64_t now_s = static_cast<int64_t>(::time(nullptr)) - 100;
    for (const char* app : {"a", "b"}) {
      json values = json::array();
      for (int i = 0; i < kBudgetLines / 2; ++i) {
        values.push_back({fmt::format("{}{:09}", now_s, i), fmt::format("id={}{} took=7ms", app, i)});
      }
      server->push(json::array({{{"stream", {{"app", app}}}, {"values", values}}}));
    }
    return now_s + 50;
  }
  static double metric(RunningServer* server, const std::string& name) {
    const std::string text = server->get("/metrics").body;
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
  }
};

TEST_F(BudgetTest, BytesAreCountedOverAllSelectorsBeforeAnythingIsRead) {
  RunningServer server("limits_config:\n  max_query_bytes_read: 600KB\n");
  const int64_t end_s = fill(&server);
  const auto f = [&](const std::string& query, int status, const std::string& text) {
    const auto reply = server.get(url(query, end_s));
    EXPECT_EQ(reply.status, status) << query;
    EXPECT_THAT(reply.body, HasSubstr(text)) << query;
  };
  f(R"({app="a"} |= "id=a77 ")", 200, "id=a77 ");
  f(R"(sum(count_over_time({app="b"}[1h])))", 200, "matrix");
  const std::string refusal = "the query would read too many bytes (query: ";
  f(R"({app=~"a|b"} |= "id=a77 ")", 400, refusal);
  f(R"(sum(count_over_time({app="a"}[1h])) / sum(count_over_time({app="b"}[1h])))", 400, refusal);
}

TEST_F(BudgetTest, OneQueryDoesNotTakeAllMemory) {
  RunningServer server("memory:\n  one_query: 2MB\n");
  const int64_t end_s = fill(&server);
  const auto refused = server.get(url(R"(sum by (id) (count_over_time({app="a"} | logfmt [1h])))", end_s));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, StartsWith("the query would use too much memory (query: ")) << refused.body;
  EXPECT_EQ(server.get(url(R"(sum(count_over_time({app="a"} | logfmt [1h])))", end_s)).status, 200);
}

TEST_F(BudgetTest, TimeIsCountedFromTheArrival) {
  RunningServer server("limits_config:\n  query_timeout: 1us\n");
  const int64_t end_s = fill(&server);
  const auto reply = server.get(url(R"({app="a"})", end_s));
  EXPECT_EQ(reply.status, 504);
  EXPECT_THAT(reply.body, StartsWith("request timed out, decrease the duration of the request"));
}

TEST_F(BudgetTest, ThreadsThatOpenBlocksAheadAreAChoice) {
  constexpr const char* kName = "cordwood_query_blocks_ahead_total";
  for (const char* config : {"threads:\n  ahead: 0\n", "store:\n  block_size: 64KB\n"}) {
    RunningServer server(config);
    const int64_t end_s = fill(&server);
    EXPECT_EQ(server.post("/flush", "", "").status, 204);
    for (int turn = 0; turn < 3; ++turn) {
      const auto reply =
          server.get(url(fmt::format(R"(sum(count_over_time({{app=~"a|b"}} |~ "id=.*{}7 " [2h])))", turn + 1), end_s));
      ASSERT_EQ(reply.status, 200) << reply.body;
      EXPECT_THAT(reply.body, HasSubstr("\"400\"")) << reply.body;
    }
    const bool none = std::string_view(config).starts_with("threads") || std::thread::hardware_concurrency() < 2;
    EXPECT_EQ(server.get("/metrics").body.find(kName) == std::string::npos, none);
  }
}

/// Many clients ask the same and different things at once, through one place to run, and all get their answers.
TEST_F(BudgetTest, ManyAtOnceGetTheirAnswers) {
  constexpr int kClients = 24, kTurns = 5;
  RunningServer server("threads:\n  query: 1\n  reads: 8\n");
  const int64_t end_s = fill(&server);
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      HttpClient client(ServerUrl{"127.0.0.1", std::to_string(server.port()), ""});
      for (int turn = 0; turn < kTurns; ++turn) {
        const std::string query = fmt::format(R"(sum(count_over_time({{app=~"a|b"}} |~ "id=.*{}" [2h])))", i % 3);
        const auto reply = client.call("GET", url(query, end_s), {}, {});
        ASSERT_TRUE(reply.ok());
        ASSERT_EQ(reply->status, 200) << reply->body;
        EXPECT_GT(json::parse(reply->body)["data"]["result"].size(), 0u);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GT(metric(&server, "cordwood_query_shared_total"), 0);
}

}  // namespace
}  // namespace cordwood::api
