// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "tests/query/query_answers.h"

namespace cordwood::query {

namespace {

const std::vector<std::string> kLevels = {"info", "error", "debug", "nothing to see"};

/// Pushes rows of two streams over an hour; with `late`, some of them again and some out of order after a flush.  All
/// stay in the head unless they are `sealed`.
void fill_counted(QueryStore* store, bool late, bool sealed = true) {
  std::mt19937 random(11);
  // Long lines: a block's count table is fine-grained only as far as it is small beside them.
  const std::string padding = " pad=" + std::string(500, 'x');
  for (const std::string app : {"one", "two"}) {
    PushBody body(R"({"app":")" + app + R"("})");
    PushBody copies(R"({"app":")" + app + R"("})");
    for (int i = 0; i < 3000; ++i) {
      const int64_t time_ns = kTestStartNs + static_cast<int64_t>(random() % 3600) * kNsPerSecond + i;
      const std::string line = "level=" + kLevels[random() % kLevels.size()] + " n=" + std::to_string(i) + padding;
      body.add(time_ns, line);
      if (i % 50 == 0) copies.add(time_ns, line);
      if (i % 77 == 0) copies.add(time_ns + 1'000'000, line);
    }
    store->push_json(body.text());
    if (sealed) store->flush();
    if (late) store->push_json(copies.text());
  }
}

TEST(CountShortcut, CountsWhatTheRowsCount) {
  // The filter on the right lets every row pass, but makes the rows be read.
  const std::vector<std::pair<std::string, std::string>> queries = {
      {R"(sum(count_over_time({app=~".+"} [1m])))", R"(sum(count_over_time({app=~".+"} | x="" [1m])))"},
      {R"(sum by (level, detected_level) (count_over_time({app=~".+"} | drop __error__ [1m])))",
       R"(sum by (level, detected_level) (count_over_time({app=~".+"} | x="" [1m])))"},
      {R"(sum by (app) (bytes_over_time({app=~".+"} [5m])))",
       R"(sum by (app) (bytes_over_time({app=~".+"} | x="" [5m])))"},
      {R"(sum by (app, detected_level) (rate({app="one"} [10m])))",
       R"(sum by (app, detected_level) (rate({app="one"} | x="" [10m])))"},
      {R"(sum(bytes_rate({app=~".+"} | json [2m])))", R"(sum(bytes_rate({app=~".+"} | x="" [2m])))"},
      {R"(sum(count_over_time({app=~".+"} [90s] offset 30s)))",
       R"(sum(count_over_time({app=~".+"} | x="" [90s] offset 30s)))"},
      {R"(sum(count_over_time({app=~".+"} [7s])))", R"(sum(count_over_time({app=~".+"} | x="" [7s])))"},
  };
  for (const bool late : {false, true}) {
    for (const bool sealed : {false, true}) {
      QueryStore store;
      fill_counted(&store, late);
      if (sealed) store.flush();
      for (const auto& [fast, slow] : queries) {
        const auto want = answer_text(store.queries().range(store.context(), hour_request(slow)));
        const auto got = answer_text(store.queries().range(store.context(), hour_request(fast)));
        ASSERT_EQ(got, want) << fast << " late " << late << " sealed " << sealed;
        ASSERT_FALSE(got.empty());
      }
    }
  }
}

/// More series than are added up by block.
TEST(CountShortcut, CountsManySeries) {
  QueryStore store;
  std::mt19937 random(12);
  for (int pod = 0; pod < 90; ++pod) {
    PushBody body(R"({"app":"many","pod":"p)" + std::to_string(pod) + "\"}");
    for (int i = 0; i < 120; ++i) {
      const int64_t time_ns = kTestStartNs + static_cast<int64_t>(random() % 3600) * kNsPerSecond + i;
      body.add(time_ns, "level=" + kLevels[random() % kLevels.size()] + " pad=" + std::string(500, 'x'));
    }
    store.push_json(body.text());
  }
  store.flush();
  for (const std::string by : {"pod", "pod, detected_level", "app"}) {
    const std::string sum = "sum by (" + by + ") (count_over_time({app=\"many\"}";
    const auto want = answer_text(store.queries().range(store.context(), hour_request(sum + " | x=\"\" [1m]))")));
    EXPECT_EQ(answer_text(store.queries().range(store.context(), hour_request(sum + " [1m]))"))), want) << by;
    EXPECT_FALSE(want.empty());
  }
}

TEST(CountShortcut, ReadsRowsOnlyAroundEdges) {
  const std::vector<std::pair<std::string, std::string>> queries = {
      {R"(sum by (app) (count_over_time({app=~".+"} [30m])))",
       R"(sum by (app) (count_over_time({app=~".+"} | x="" [30m])))"},
      {R"(sum by (app, detected_level) (bytes_over_time({app=~".+"} [20m] offset 3m)))",
       R"(sum by (app, detected_level) (bytes_over_time({app=~".+"} | x="" [20m] offset 3m)))"},
      {R"(sum(rate({app=~".+"} | drop __error__ [3m])))", R"(sum(rate({app=~".+"} | x="" [3m])))"},
  };
  for (const auto& [late, sealed] : {std::pair(false, true), {true, true}, {false, false}}) {
    QueryStore store;
    fill_counted(&store, late, sealed);
    for (const int64_t shift_ns : {int64_t{1}, 1'234'567'891 * int64_t{1}, 1800 * kNsPerSecond - 1}) {
      for (const int64_t step_s : {0, 250, 601}) {
        ReadContext context = store.context();
        context.limits.split_queries_by_interval_ns = 0;  // which would align the steps
        const auto ask = [&](const std::string& query) {
          RangeRequest request = hour_request(query);
          request.start_ns += 900 * kNsPerSecond + shift_ns;
          request.end_ns = step_s == 0 ? request.start_ns : request.end_ns + 1800 * kNsPerSecond;
          request.step_ns = std::max<int64_t>(step_s, 1) * kNsPerSecond;
          return store.queries().range(context, request);
        };
        for (const auto& [fast, slow] : queries) {
          const auto got = ask(fast);
          ASSERT_EQ(answer_text(got), answer_text(ask(slow))) << fast << " shift " << shift_ns << " step " << step_s;
        }
      }
    }
  }
  QueryStore store(nullptr, {}, 0);
  fill_counted(&store, false);
  const auto rows_read = [&store](const std::string& query, const std::vector<std::string>& want) {
    InstantRequest request;
    request.query = query;
    request.time_ns = kTestStartNs + 3000 * kNsPerSecond + 123;
    const auto answer = store.queries().instant(store.context(), request);
    EXPECT_TRUE(want.empty() || answer_text(answer) == want) << query;
    return std::pair(answer_text(answer), std::get<QueryResult>(answer).stats.column_rows);
  };
  const auto [want, all_rows] = rows_read(queries[0].second, {});
  EXPECT_GT(all_rows, 2500U);
  EXPECT_LT(rows_read(queries[0].first, want).second, 300U);
}

TEST(CountShortcut, ReadsNoData) {
  QueryStore store;
  fill_counted(&store, false);
  const auto answer = store.queries().range(
      store.context(),
      hour_request(R"(sum by (level, detected_level) (count_over_time({app=~".+"} | drop __error__ [1m])))"));
  const QueryStats& stats = std::get<QueryResult>(answer).stats;
  EXPECT_EQ(stats.read.blocks_opened, 0U);
  EXPECT_EQ(stats.lines_processed, 6000U);
}

}  // namespace

}  // namespace cordwood::query
