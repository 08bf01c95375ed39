// SPDX-License-Identifier: Apache-2.0
// Values that differ in a number only are known again by that number: the counts must be those of reading every row.
#include <gtest/gtest.h>

#include "query/numbered_texts.h"
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

TEST(NumberedTexts, NumbersAnyTextsAndKnowsThemAgain) {
  std::vector<std::string> texts = {"",
                                    "0",
                                    "00",
                                    "000",
                                    "u0",
                                    "u00",
                                    "u",
                                    "u1u",
                                    "u1",
                                    "1u",
                                    "u01",
                                    "u001",
                                    "1",
                                    "01",
                                    "10",
                                    "100u",
                                    "u1u1",
                                    "u11",
                                    "u999999999999999999",
                                    "u1000000000000000000",
                                    "18446744073709551616",
                                    std::string("u\0"
                                                "7",
                                                3),
                                    std::string(70, 'x') + "3"};
  for (int i = 0; i < 20'000; ++i)
    texts.push_back(std::string(static_cast<size_t>(i % 5), 'y') + std::to_string(i + 20) + "z");
  NumberedTexts numbers;
  for (int round = 0; round < 3; ++round) {
    if (round == 2) numbers.clear();
    for (uint32_t i = 0; i < texts.size(); ++i) {
      bool is_new = false;
      EXPECT_EQ(numbers.find(texts[i]), round == 1 ? std::optional(i) : std::nullopt);
      ASSERT_EQ(numbers.number(texts[i], &is_new), i) << texts[i];
      EXPECT_EQ(is_new, round != 1);
      std::string text = "<";
      numbers.append(i, &text);
      EXPECT_EQ(text, "<" + texts[i]);
    }
  }
  NumberedTexts others;
  bool is_new = false;
  others.number("u7", &is_new);
  others.number("zz", &is_new);
  NumberedTexts::Translation translation(numbers, &others);
  for (uint32_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(translation.number(i, &is_new), i + 2) << texts[i];
    EXPECT_TRUE(is_new);
    EXPECT_EQ(others.find(texts[i]), i + 2);
  }
}

}  // namespace
}  // namespace cordwood::query
