// SPDX-License-Identifier: Apache-2.0
#include "tests/query/query_answers.h"

namespace cordwood::query {

namespace {

constexpr int kRows = 3000;

std::string line_of(int i) {
  switch (i % 4) {
    case 0:
      return R"({"level":")" + std::string(i % 40 == 0 ? "error" : "info") + R"(","ms":)" + std::to_string(i) + "}";
    case 1: return "level=warn msg=\"slow query after " + std::to_string(i * 7) + "ms\" n=" + std::to_string(i % 9);
    case 2: return "worker " + std::to_string(i % 5) + " finished task " + std::to_string(i * 31);
    default: return "10.0.0." + std::to_string(i % 250) + " - GET /a/" + std::to_string(i % 17) + " 200";
  }
}

void fill_lines(QueryStore* store) {
  PushBody body(R"({"app":"x"})");
  for (int i = 0; i < kRows; ++i) body.add(kTestStartNs + i * kNsPerSecond, line_of(i));
  store->push_json(body.text());
}

TEST(LineFilter, SealedBlocksAnswerAsTheHeadDoes) {
  QueryStore head, sealed;
  fill_lines(&head);
  fill_lines(&sealed);
  sealed.flush();
  for (const std::string filter : {
           R"(|= "error")",
           R"(|= "\"level\":\"error\",\"ms\"")",
           R"(|= "4")",
           R"(|= "no such words")",
           R"(|= "finished" |= "task 9")",
           R"(|= "error" or "slow")",
           R"(|= "error" or "")",
           R"(!= "e")",
           R"(!= "error" or "worker")",
           R"(!= "")",
           R"(|~ "after 9[0-9]{2}7ms")",
           R"(|~ "after [0-9]+7ms|task [0-9]9")",
           R"(|~ "(?i)ERROR")",
           R"(!~ "worker [0-3] finished")",
           R"(!~ "worker|level")",
           R"(|> "<_> - GET <_> 200")",
           R"(!> "worker <_>")",
           R"(|= ip("10.0.0.0/28"))",
           R"(| logfmt | line_format "{{.msg}}" |= "after 97")",
           R"(| json | ms > 500 |= "error")",
       }) {
    const RangeRequest request = hour_request(R"({app="x"} )" + filter);
    const auto want = head.queries().range(head.context(), request);
    const auto got = sealed.queries().range(sealed.context(), request);
    ASSERT_TRUE(std::holds_alternative<QueryResult>(want)) << filter;
    EXPECT_EQ(answer_text(got), answer_text(want)) << filter;
    const RangeRequest count = hour_request(R"(count_over_time({app="x"} )" + filter + " [1m])");
    EXPECT_EQ(answer_text(sealed.queries().range(sealed.context(), count)),
              answer_text(head.queries().range(head.context(), count)))
        << filter;
  }
}

TEST(LineFilter, WhatIsNotThereIsNotPutTogether) {
  QueryStore store;
  fill_lines(&store);
  store.flush();
  const auto f = [&](const std::string& filter, uint64_t most_lines) {
    const auto answer = store.queries().range(store.context(), hour_request(R"({app="x"} )" + filter));
    ASSERT_TRUE(std::holds_alternative<QueryResult>(answer)) << filter;
    const QueryStats& stats = std::get<QueryResult>(answer).stats;
    EXPECT_LE(stats.read.lines_rendered, most_lines) << filter;
  };
  constexpr uint64_t kLookedAtOneByOne = 100;
  f(R"(|= "no such words")", kLookedAtOneByOne);
  f(R"(|~ "no [a-z]+ such words")", kLookedAtOneByOne);
  f(R"(|= "task 31062")", kLookedAtOneByOne + 2);
  f(R"(|~ "after 97[0-9]*7ms")", kLookedAtOneByOne + kRows / 4);
}

}  // namespace

}  // namespace cordwood::query
