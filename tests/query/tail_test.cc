// SPDX-License-Identifier: Apache-2.0
#include "query/tail.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/query/query_store.h"

namespace cordwood::query {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'700'000'000'000'000'000;  // of the manual clock

/// Lines of one stream, the i-th at `seconds + i` from now.
std::string lines(const std::string& app, int64_t seconds, const std::vector<std::string>& texts) {
  json values = json::array();
  for (size_t i = 0; i < texts.size(); ++i) {
    const int64_t time_ns = kNow + (seconds + static_cast<int64_t>(i)) * kNsPerSecond;
    values.push_back({std::to_string(time_ns), texts[i]});
  }
  return json{{"streams", {{{"stream", {{"app", app}}}, {"values", values}}}}}.dump();
}

class TailTest : public ::testing::Test {
 protected:
  std::unique_ptr<Tail> open(const std::string& query, TailRequest request = {}) {
    request.query = query;
    if (request.start_ns == 0) request.start_ns = kNow - 3600 * kNsPerSecond;
    auto opened = store_.tails().open(store_.context(), request);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  /// Every line there is by now.
  static std::vector<std::string> read(Tail& tail, std::vector<TailPage>* pages = nullptr) {
    std::vector<std::string> out;
    for (;;) {
      auto page = tail.next(nullptr);
      if (!page.ok()) {
        ADD_FAILURE() << page.error().message;
        return out;
      }
      EXPECT_LE(page->entries.size(), Tail::kPageEntries);
      for (const TailEntry& entry : page->entries) out.push_back(entry.entry.line);
      const bool again = page->again;
      if (pages != nullptr) pages->push_back(std::move(*page));
      if (!again) return out;
    }
  }
  std::string refusal(const std::string& query) {
    auto opened = store_.tails().open(store_.context(), {.query = query});
    return opened.ok() ? "" : opened.error().message;
  }
  QueryStore store_{nullptr, {.max_duration_ns = 600 * kNsPerSecond, .buffer_bytes = 64 << 10}};
};

TEST_F(TailTest, TheNewestStoredLinesComeFirstOldestFirst) {
  store_.push_json(lines("a", -50, {"1", "2", "3", "4"}));
  store_.flush();
  store_.push_json(lines("b", -49, {"between"}));
  const auto tail = open(R"({app=~"a|b"})", {.query = {}, .limit = 4});
  EXPECT_THAT(read(*tail), ElementsAre("2", "between", "3", "4"));
  store_.push_json(lines("a", -10, {"5"}));
  EXPECT_THAT(read(*tail), ElementsAre("5"));
  EXPECT_THAT(read(*tail), IsEmpty());
}

TEST_F(TailTest, LinesArePassedThroughThePipelineAndToldOnce) {
  const auto tail = open(R"({app="a"} | json | status >= 500 | line_format "{{.msg}}")");
  EXPECT_THAT(read(*tail), IsEmpty());
  const std::string body = lines("a", -5, {R"({"status":200,"msg":"fine"})", R"({"status":503,"msg":"bad"})"});
  store_.push_json(body);
  store_.push_json(lines("other", -5, {R"({"status":500,"msg":"not asked for"})"}));
  std::vector<TailPage> pages;
  EXPECT_THAT(read(*tail, &pages), ElementsAre("bad"));
  ASSERT_EQ(pages[0].entries.size(), 1u);
  const LabelPairs labels = pages[0].entries[0].labels;
  EXPECT_THAT(labels, ::testing::Contains(::testing::Pair("status", "503")));
  EXPECT_THAT(labels, ::testing::Contains(::testing::Pair("app", "a")));
  store_.push_json(body);  // the store has these rows
  EXPECT_THAT(read(*tail), IsEmpty());
  store_.flush();
  EXPECT_THAT(read(*tail), IsEmpty());
}

TEST_F(TailTest, CategorisedLabelsStayApart) {
  const auto tail = open(R"({app="a"} | logfmt)", {.query = {}, .categorize_labels = true});
  store_.push_json(lines("a", -5, {"level=warn k=v"}));
  auto page = tail->next(nullptr);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->entries.size(), 1u);
  const TailEntry& entry = page->entries[0];
  EXPECT_EQ(entry.labels, (LabelPairs{{"app", "a"}, {"service_name", "a"}}));
  EXPECT_EQ(entry.entry.structured_metadata, (LabelPairs{{"detected_level", "warn"}}));
  EXPECT_EQ(entry.entry.parsed, (LabelPairs{{"k", "v"}, {"level", "warn"}}));
}

TEST_F(TailTest, LinesPushedBeforeTheFirstTurnAreNotToldTwice) {
  store_.push_json(lines("a", -50, {"before"}));
  const auto tail = open(R"({app="a"})");
  store_.push_json(lines("a", -40, {"meanwhile"}));
  store_.push_json(lines("a", 40, {"of the future"}));
  EXPECT_THAT(read(*tail), ElementsAre("before", "meanwhile", "of the future"));
}

TEST_F(TailTest, DelayedLinesWaitForEarlierOnes) {
  const auto tail = open(R"({app=~".+"})", {.query = {}, .delay_ns = 3 * kNsPerSecond});
  EXPECT_THAT(read(*tail), IsEmpty());
  store_.push_json(lines("a", -1, {"a1", "a2"}));
  std::vector<TailPage> pages;
  EXPECT_THAT(read(*tail, &pages), IsEmpty());
  EXPECT_EQ(pages[0].wait_ns, 2 * kNsPerSecond);
  store_.push_json(lines("b", -2, {"b1"}));
  store_.push_json(lines("late", -100, {"late"}));
  EXPECT_THAT(read(*tail), ElementsAre("late"));
  store_.world().clock.advance_ns(2 * kNsPerSecond);
  EXPECT_THAT(read(*tail), ElementsAre("b1", "a1"));
  store_.push_json(lines("a", 100, {"of the future"}));
  store_.world().clock.advance_ns(3 * kNsPerSecond);
  EXPECT_THAT(read(*tail), ElementsAre("a2", "of the future"));
}

TEST_F(TailTest, MoreThanTheBufferHoldsIsDroppedAndNamed) {
  const auto tail = open(R"({app="a"})");
  EXPECT_THAT(read(*tail), IsEmpty());
  std::vector<std::string> texts(20);
  for (size_t i = 0; i < texts.size(); ++i) texts[i] = std::to_string(i) + std::string(8 << 10, 'x');
  store_.push_json(lines("a", -40, texts));
  std::vector<TailPage> pages;
  const auto got = read(*tail, &pages);
  ASSERT_EQ(got.size(), 7u);
  EXPECT_EQ(got, std::vector<std::string>(texts.begin(), texts.begin() + 7));
  ASSERT_EQ(pages[0].dropped.size(), 13u);
  EXPECT_EQ(pages[0].dropped[0].time_ns, kNow - 33 * kNsPerSecond);
  EXPECT_EQ(pages[0].dropped[0].stream->label_string, R"({app="a", service_name="a"})");
  EXPECT_EQ(store_.world().metrics.counter("cordwood_tail_rows_dropped_total", "").value(), 13u);
  store_.push_json(lines("a", -1, {"after"}));
  EXPECT_THAT(read(*tail), ElementsAre("after"));
}

TEST_F(TailTest, MemoryIsGivenBack) {
  const uint64_t before = store_.world().memory.used(MemoryShare::query);
  auto tail = open(R"({app="a"} |= "x")");
  EXPECT_THAT(read(*tail), IsEmpty());
  store_.push_json(lines("a", -1, {"xxxx", "y"}));
  EXPECT_GT(store_.world().memory.used(MemoryShare::query), before);
  EXPECT_THAT(read(*tail), ElementsAre("xxxx"));
  EXPECT_EQ(store_.world().memory.used(MemoryShare::query), before);
  store_.push_json(lines("a", -1, {"zzz"}));
  tail.reset();
  EXPECT_EQ(store_.world().memory.used(MemoryShare::query), before);
}

TEST_F(TailTest, AWakeIsToldOnceUntilTheRowsAreTaken) {
  const auto tail = open(R"({app="a"})");
  EXPECT_THAT(read(*tail), IsEmpty());
  int wakes = 0;
  tail->set_wake([&wakes] { ++wakes; });
  store_.push_json(lines("b", -9, {"not followed"}));
  EXPECT_EQ(wakes, 0);
  store_.push_json(lines("a", -8, {"1"}));
  store_.push_json(lines("a", -7, {"2"}));
  EXPECT_EQ(wakes, 1);
  EXPECT_THAT(read(*tail), ElementsAre("1", "2"));
  store_.push_json(lines("a", -6, {"3"}));
  EXPECT_EQ(wakes, 2);
  tail->set_wake(nullptr);
}

TEST_F(TailTest, RefusalsHaveLokisTexts) {
  EXPECT_EQ(refusal(R"(rate({app="a"}[1m]))"), "only log selector is supported");
  EXPECT_THAT(refusal(R"({app="a")"), HasSubstr("parse error"));
  EXPECT_THAT(refusal(R"({app="a"} | line_format "{{.x")"), HasSubstr("parse error"));
  std::vector<std::unique_ptr<Tail>> tails;
  for (int i = 0; i < 10; ++i) tails.push_back(open(R"({app="a"})"));
  EXPECT_EQ(refusal(R"({app="a"})"),
            "rpc error: code = Code(400) desc = max concurrent tail requests limit exceeded, count > limit (11 > 10)");
  tails.pop_back();
  EXPECT_EQ(refusal(R"({app="a"})"), "");
}

TEST_F(TailTest, EndsAfterItsTime) {
  const auto tail = open(R"({app="a"})");
  EXPECT_THAT(read(*tail), IsEmpty());
  store_.world().clock.advance_ns(600 * kNsPerSecond);
  const auto page = tail->next(nullptr);
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.error().message, "reached tail max duration limit");
}

}  // namespace
}  // namespace cordwood::query
