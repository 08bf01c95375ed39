// SPDX-License-Identifier: Apache-2.0
#include "tests/query/query_answers.h"

namespace cordwood::query {

namespace {

const QueryStats& stats_of(const Answer<QueryResult>& answer) {
  return std::get<QueryResult>(answer).stats;
}

TEST(LogExecution, NewestLinesTouchFewBlocks) {
  QueryStore store;
  for (int block = 0; block < 12; ++block) {
    PushBody body(R"({"app":"x"})");
    for (int i = 0; i < 100; ++i) {
      body.add(kTestStartNs + (block * 100 + i) * kNsPerSecond, "line " + std::to_string(block * 100 + i));
    }
    store.push_json(body.text());
    store.flush();
  }
  const auto answer = store.queries().range(store.context(), hour_request(R"({app="x"})", 100));
  EXPECT_EQ(stats_of(answer).blocks_in_range, 12U);
  EXPECT_LE(stats_of(answer).read.blocks_opened, 3U);
  const auto& streams = std::get<Streams>(std::get<QueryResult>(answer).data).streams;
  ASSERT_EQ(streams.size(), 1U);
  ASSERT_EQ(streams[0].entries.size(), 100U);
  EXPECT_EQ(streams[0].entries.front().line, "line 1199");
  EXPECT_EQ(streams[0].entries.back().line, "line 1100");

  RangeRequest forward = hour_request(R"({app="x"} |= "9")", 3);
  forward.direction = Direction::forward;
  const auto oldest = store.queries().range(store.context(), forward);
  EXPECT_LE(stats_of(oldest).read.blocks_opened, 1U);
  EXPECT_EQ(answer_text(oldest).front(),
            "{app=\"x\", detected_level=\"unknown\", service_name=\"x\"} 1795046409000000000 line 9");
}

TEST(LogExecution, FilteredCopiesStandWhereTheEarliestArrived) {
  QueryStore store;
  const auto push = [&](const std::vector<std::string>& lines, int64_t alone_ns) {
    PushBody body(R"({"app":"x"})");
    for (const std::string& line : lines) body.add(kTestStartNs + 100, line);
    body.add(kTestStartNs + alone_ns, "alone");  // decides which block is read first
    store.push_json(body.text());
    store.flush();
  };
  push({"line 0", "line 1"}, 50);
  push({"line 2", "line 0"}, 10);
  push({"line 3", "line 1"}, 200);
  for (const uint32_t limit : {1U, 2U, 3U, 4U, 100U}) {
    for (const Direction direction : {Direction::forward, Direction::backward}) {
      RangeRequest request = hour_request(R"({app="x"} |= "line" | drop service_name, detected_level)", limit);
      request.direction = direction;
      std::vector<std::string> want;
      for (uint32_t i = 0; i < std::min(limit, 4U); ++i) {
        const uint32_t line = direction == Direction::forward ? i : 3 - i;
        want.push_back("{app=\"x\"} 1795046400000000100 line " + std::to_string(line));
      }
      EXPECT_EQ(answer_text(store.queries().range(store.context(), request)), want) << limit;
    }
  }
}

TEST(LogExecution, CopiesInOtherBlocksAreLeftOut) {
  QueryStore store;
  for (int round = 0; round < 3; ++round) {
    PushBody body(R"({"app":"x"})");
    body.add(kTestStartNs + 5, "same");
    body.add(kTestStartNs + 5, "same", R"({"k":"v"})");
    body.add(kTestStartNs + 5, "round " + std::to_string(round));
    body.add(kTestStartNs + 6 + round, "other");
    store.push_json(body.text());
    if (round < 2) store.flush();
  }
  RangeRequest request = hour_request(R"({app="x"} | drop service_name, detected_level)");
  request.direction = Direction::forward;
  const auto forward = store.queries().range(store.context(), request);
  EXPECT_EQ(answer_text(forward), (std::vector<std::string>{
                                      "{app=\"x\", k=\"v\"} 1795046400000000005 same",
                                      "{app=\"x\"} 1795046400000000005 same",
                                      "{app=\"x\"} 1795046400000000005 round 0",
                                      "{app=\"x\"} 1795046400000000005 round 1",
                                      "{app=\"x\"} 1795046400000000005 round 2",
                                      "{app=\"x\"} 1795046400000000006 other",
                                      "{app=\"x\"} 1795046400000000007 other",
                                      "{app=\"x\"} 1795046400000000008 other",
                                  }));
  request.direction = Direction::backward;
  request.limit = 4;
  EXPECT_EQ(answer_text(store.queries().range(store.context(), request)), (std::vector<std::string>{
                                                                              "{app=\"x\"} 1795046400000000008 other",
                                                                              "{app=\"x\"} 1795046400000000007 other",
                                                                              "{app=\"x\"} 1795046400000000006 other",
                                                                              "{app=\"x\"} 1795046400000000005 round 2",
                                                                          }));
  const auto counted = store.queries().range(store.context(), hour_request(R"(sum(count_over_time({app="x"}[1h])))"));
  EXPECT_EQ(answer_text(counted).back(), "{} 1795050000000 8");
}

TEST(LogExecution, FilteredQueriesGiveWhatTheMergeGives) {
  QueryStore store;
  for (int round = 0; round < 4; ++round) {
    for (const std::string app : {"one", "two", "three"}) {
      PushBody body(R"({"app":")" + app + R"("})");
      for (int i = 0; i < 200; ++i) {
        // Rounds overlap in time, and some rows stand in two of them.
        const int64_t second = (round * 100 + i * 7) % 450;
        body.add(kTestStartNs + second * kNsPerSecond,
                 "row " + std::to_string(second % 13 == 0 ? 0 : round * 1000 + i));
      }
      store.push_json(body.text());
    }
    if (round < 3) store.flush();
  }
  for (const Direction direction : {Direction::backward, Direction::forward}) {
    for (const uint32_t limit : {1U, 7U, 100U, 5000U}) {
      RangeRequest merged = hour_request(R"({app=~".+"})", limit);
      RangeRequest filtered = hour_request(R"({app=~".+"} |= "row")", limit);
      merged.direction = filtered.direction = direction;
      auto want = answer_text(store.queries().range(store.context(), merged));
      auto got = answer_text(store.queries().range(store.context(), filtered));
      std::sort(want.begin(), want.end());
      std::sort(got.begin(), got.end());
      EXPECT_EQ(got, want) << limit;
    }
  }
}

TEST(LogExecution, RefusesWhatLimitsForbid) {
  QueryStore store;
  PushBody body(R"({"app":"x"})");
  for (int i = 0; i < 600; ++i) body.add(kTestStartNs + i, "n=" + std::to_string(i));
  store.push_json(body.text());
  const auto f = [&](const std::string& query, uint32_t limit, ReadContext context) {
    return answer_text(store.queries().range(context, hour_request(query, limit))).front();
  };
  EXPECT_EQ(f(R"({app="x"})", 5001, store.context()),
            "400 max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)");
  EXPECT_TRUE(f("count_over_time({app=\"x\"} | logfmt [1h])", 1, store.context())
                  .starts_with("400 maximum number of series (500) reached for a single query; consider"));
  ReadContext labels = store.context();
  labels.limits.required_labels = {"env"};
  EXPECT_EQ(f(R"({app="x"})", 1, labels),
            "400 stream selector is missing required matchers [env], labels present in the query were [app]");
  ReadContext range = store.context();
  range.limits.max_query_range_ns = 3600 * kNsPerSecond;
  EXPECT_EQ(f("rate({app=\"x\"}[2h])", 1, range), "400 [interval] value exceeds limit: [2h] > [1h]");
  ReadContext bytes = store.context();
  bytes.limits.max_query_bytes_read = 1000;
  EXPECT_EQ(f("{app=\"x\"}", 1, bytes).substr(0, 62), "400 the query would read too many bytes (query: 2.9 kB, limit:");
  const std::atomic<bool> left{true};
  ReadContext gone = store.context();
  gone.cancelled = &left;
  EXPECT_EQ(f(R"({app="x"})", 1, gone), "499 the request was cancelled by the client");
  EXPECT_EQ(f("{app=\"x\"", 1, store.context()).substr(0, 30), "400 parse error at line 1, col");
}

TEST(LogExecution, SaysWhyAnAnswerIsEmpty) {
  QueryStore store;
  PushBody body(R"({"app":"x"})");
  body.add(kTestStartNs - 600 * kNsPerSecond, "old");
  store.push_json(body.text());
  const auto f = [&](const std::string& query) {
    return stats_of(store.queries().range(store.context(), hour_request(query))).empty_reason;
  };
  EXPECT_EQ(f(R"({app="nosuch"})"), "no stream matches the selector");
  EXPECT_EQ(f(R"({app="x"})"), "newest line of matching streams is at 2026-11-18T23:50:00Z, older than the range");
  PushBody fresh(R"({"app":"x"})");
  fresh.add(kTestStartNs + 5, "new");
  store.push_json(fresh.text());
  EXPECT_EQ(f(R"({app="x"} |= "nothing")"), "lines in range but none passed the filters");
  EXPECT_EQ(f(R"({app="x"})"), "");
}

}  // namespace

}  // namespace cordwood::query
