// SPDX-License-Identifier: Apache-2.0
// Values that differ in a number only are known again by that number: the counts must be those of reading every row.
#include <gtest/gtest.h>

#include "query/numbered_ids.h"
#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

class PatternedValuesTest : public testing::Test {
 protected:
  PatternedValuesTest() {
    QueryEngine::Environment reads = store_.environment();
    reads.rows_one_by_one = UINT64_MAX;
    row_by_row_ = std::make_unique<QueryEngine>(reads);
  }
  /// Lines of line(0), …, as one block.
  template <typename Line>
  void block(uint32_t rows, Line&& line) {
    std::string values;
    for (uint32_t i = 0; i < rows; ++i) {
      std::string text;
      append_go_quoted(line(i), &text);
      values += fmt::format("{}[\"{}\",{}]", i > 0 ? "," : "", kTestStartNs + 1 + next_++, text);
    }
    store_.push_json(R"({"streams":[{"stream":{"app":"a"},"values":[)" + values + "]}]}");
    store_.flush();
  }
  void compare(const std::string& query) {
    InstantRequest request;
    request.query = query;
    request.time_ns = kTestStartNs + 3600 * kNsPerSecond;
    ReadContext context = store_.context();
    context.limits.max_query_series = 10'000;
    const auto got = store_.queries().instant(context, request);
    std::vector<std::string> ours = answer_text(got), want = answer_text(row_by_row_->instant(context, request));
    std::sort(ours.begin(), ours.end());
    std::sort(want.begin(), want.end());
    EXPECT_EQ(ours, want) << query;
    EXPECT_GT(want.size(), 1u) << query;
    ASSERT_TRUE(std::holds_alternative<QueryResult>(got));
    EXPECT_GT(std::get<QueryResult>(got).stats.column_rows, 0u) << query;
  }

  QueryStore store_;
  std::unique_ptr<QueryEngine> row_by_row_;
  uint32_t next_ = 0;
};

TEST_F(PatternedValuesTest, CountAsTheirTextsDoInEveryFormOfBlock) {
  const auto user = [](uint32_t i) { return i * 7919 % 1500; };
  block(3000, [&](uint32_t i) { return fmt::format(R"({{"user":"u{}","n":{}}})", user(i), i % 3); });
  // Numbers with and without leading zeros, and patterns without any.
  block(3000, [&](uint32_t i) {
    return i % 50 == 0 ? R"({"user":"nobody"})" : fmt::format(R"({{"user":"u{:0{}}"}})", user(i), 1 + i % 5);
  });
  // The same values by a dictionary, as numbers, with escapes, in logfmt, as a number of JSON.
  block(2000, [&](uint32_t i) { return fmt::format(R"({{"user":"u{}"}})", i % 4); });
  block(2000, [&](uint32_t i) { return fmt::format(R"({{"user":"\u0075{}","n":1}})", user(i)); });
  block(2000, [&](uint32_t i) { return fmt::format("user=u{} n={}", user(i), i % 2); });
  block(2000, [&](uint32_t i) { return fmt::format(R"({{"user":{}}})", user(i)); });
  block(2000, [&](uint32_t i) { return fmt::format(R"({{"user":"{}"}})", user(i)); });
  block(2000, [&](uint32_t i) { return fmt::format(R"({{"user":"u{}-{}"}})", user(i), i % 9); });
  compare(R"(sum by (user) (count_over_time({app="a"} | json | __error__="" [1h])))");
  compare(R"(sum by (user, n) (count_over_time({app="a"} | json | __error__="" [1h])))");
  compare(R"(sum by (user) (count_over_time({app="a"} | logfmt | __error__="" [1h])))");
  compare(R"(sum by (app, user) (rate({app="a"} | json | user!="" | __error__="" [1h])))");
  compare(R"(max by (user) (max_over_time({app="a"} | json | __error__="" | unwrap n [1h])))");
  compare(R"(sum by (n) (count_over_time({app="a"} | json | user=~"u.*5" | __error__="" [1h])))");
}

TEST(NumberedIds, KnowsPatternAndNumber) {
  NumberedIds ids;
  EXPECT_EQ(ids.pattern("u\0"), 0u);
  EXPECT_EQ(ids.pattern("v\0"), 1u);
  EXPECT_EQ(ids.pattern("u\0"), 0u);
  const auto want = [](uint32_t pattern, int64_t number) {
    return static_cast<uint32_t>(1 + 2 * (number + 5000) + pattern);
  };
  for (int round = 0; round < 2; ++round) {
    for (uint32_t pattern = 0; pattern < 2; ++pattern) {
      for (int64_t number = -5000; number < 5000; ++number) {
        uint32_t& id = ids.id(pattern, number);
        ASSERT_EQ(id, round == 0 ? 0 : want(pattern, number));
        id = want(pattern, number);
      }
    }
  }
  ids.clear();
  EXPECT_EQ(ids.id(0, 1), 0u);
}

}  // namespace
}  // namespace cordwood::query
