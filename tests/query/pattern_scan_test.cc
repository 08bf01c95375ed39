// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "query/line_template.h"
#include "query/pattern_answer.h"
#include "tests/query/query_store.h"

namespace cordwood::query {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr int64_t kStartS = 1'795'000'000;

TEST(LineTemplates, KeepWordsAndCutWhatVaries) {
  LineTemplates templates;
  const auto f = [&](std::string_view line, std::string_view want) {
    EXPECT_EQ(templates.of_line(line), want) << line;
  };
  f("user 12 logged in from 10.0.0.1", "user <_> logged in from <_>");
  f("took k=v and k=w", "took k=<_> and k=<_>");
  f("plain words", "plain words");
  f("", "");
  f("a tag <b> and <_> here", "a tag <_> and <_> here");
  f("two <a><b>", "two <_>");
  f("a < b > c", "a < b > c");
  EXPECT_EQ(templates.of_message("order 7 placed", false), "<_>order <_> placed<_>");
  EXPECT_EQ(templates.of_message("order placed", true), "<_>order placed");
  EXPECT_EQ(templates.of_message("42", false), "<_>");
  EXPECT_LE(templates.of_line(std::string(100'000, 'x')).size(), 1100u);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_LE(templates.of_line(many).size(), 1100u);
}

class PatternsTest : public ::testing::Test {
 protected:
  void push(const std::string& app, const std::vector<std::string>& lines, int64_t second = 0) {
    json values = json::array();
    for (size_t i = 0; i < lines.size(); ++i) {
      const int64_t time_ns = (kStartS + second) * kNsPerSecond + static_cast<int64_t>(i);
      values.push_back({std::to_string(time_ns), lines[i]});
    }
    store_.push_json(json{{"streams", {{{"stream", {{"app", app}}}, {"values", values}}}}}.dump());
  }
  PatternAnswer ask(const std::string& query, uint32_t limit = 300) {
    auto answer = store_.queries().patterns(store_.context(), {.query = query,
                                                               .start_ns = kStartS * kNsPerSecond,
                                                               .end_ns = (kStartS + 3600) * kNsPerSecond,
                                                               .step_ns = 10 * kNsPerSecond,
                                                               .limit = limit});
    if (const auto* error = std::get_if<QueryError>(&answer)) {
      ADD_FAILURE() << error->message;
      return {};
    }
    return std::get<PatternAnswer>(std::move(answer));
  }
  std::map<std::string, uint64_t> totals(const std::string& query) {
    std::map<std::string, uint64_t> out;
    for (const PatternCounts& one : ask(query).patterns) out[one.pattern] += one.total;
    return out;
  }
  QueryStore store_;
};

TEST_F(PatternsTest, LinesAreCountedByPatternLevelAndBucket) {
  push("a", {"user 1 logged in", "user 2 logged in", "ERROR disk 7 full"}, 0);
  push("a", {"user 3 logged in", "user 1 logged in"}, 25);
  const PatternAnswer answer = ask(R"({app="a"})");
  ASSERT_EQ(answer.patterns.size(), 2u);
  EXPECT_EQ(answer.patterns[0].pattern, "user <_> logged in");
  EXPECT_EQ(answer.patterns[0].level, "unknown");
  EXPECT_THAT(answer.patterns[0].samples, ElementsAre(Pair(kStartS, 2), Pair(kStartS + 20, 2)));
  EXPECT_EQ(answer.patterns[1].pattern, "ERROR disk <_> full");
  EXPECT_EQ(answer.patterns[1].level, "error");
  EXPECT_EQ(answer.patterns[1].total, 1u);
  EXPECT_EQ(ask(R"({app="a"})", 1).patterns.size(), 1u);
  EXPECT_TRUE(ask(R"({app="none"})").patterns.empty());
}

TEST_F(PatternsTest, OfLinesWithFieldsTheMessageCounts) {
  push("json", {R"({"level":"info","msg":"order 5 placed","id":1})", R"({"msg":"order 6 placed","x":{"msg":"no"}})",
                R"({"a":1,"b":"two"})"});
  push("logfmt", {R"(level=warn msg="slow call to 10.1.1.1" took=5s)", R"(took=6s level=warn msg=done)"});
  EXPECT_THAT(totals(R"({app="json"})"),
              ElementsAre(Pair("<_>order <_> placed<_>", 2), Pair(R"({"a":<_>,"b":"<_>"})", 1)));
  EXPECT_THAT(totals(R"({app="logfmt"})"), ElementsAre(Pair("<_>done", 1), Pair("<_>slow call to <_>", 1)));
}

TEST_F(PatternsTest, FiltersAndFormatsOfTheQueryCount) {
  push("a", {"user 1 logged in", "user 2 logged out", "other 5"});
  EXPECT_THAT(totals(R"({app="a"} |= "user")"),
              ElementsAre(Pair("user <_> logged in", 1), Pair("user <_> logged out", 1)));
  EXPECT_THAT(totals(R"({app="a"} |> "user <_> logged in")"), ElementsAre(Pair("user <_> logged in", 1)));
  EXPECT_THAT(totals(R"({app="a"} | line_format "x {{len __line__}}")"), ElementsAre(Pair("x <_>", 3)));
  auto refused = store_.queries().patterns(store_.context(), {.query = R"(rate({app="a"}[1m]))"});
  EXPECT_EQ(std::get<QueryError>(refused).status, 400);
}

/// Lines of several programs, many of each kind.
std::vector<std::string> mixed_lines(int count) {
  std::mt19937 random(5);
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(random() % 100'000);
    switch (random() % 6) {
      case 0: out.push_back("connection from 10.0.0." + n + " closed"); break;
      case 1: out.push_back("GET /api/items/" + n + " HTTP/1.1 200 " + n); break;
      case 2: out.push_back(R"({"level":"info","message":"job )" + n + R"( done","ms":)" + n + "}"); break;
      case 3: out.push_back("ts=" + n + R"( level=info msg="retry )" + n + R"( of request" code=)" + n); break;
      case 4: out.push_back("worker \"w" + n + "\" says hello"); break;
      default: out.push_back("heartbeat"); break;
    }
  }
  return out;
}

TEST_F(PatternsTest, SealedLinesHaveThePatternsTheyHadBefore) {
  push("mixed", mixed_lines(3000));
  const auto before = totals(R"({app="mixed"})");
  EXPECT_EQ(before.size(), 6u);
  store_.flush();
  EXPECT_EQ(totals(R"({app="mixed"})"), before);
  push("mixed", mixed_lines(3000));  // copies
  EXPECT_EQ(totals(R"({app="mixed"})"), before);
}

TEST_F(PatternsTest, APatternFindsItsLines) {
  push("mixed", mixed_lines(600));
  store_.flush();
  for (const auto& [pattern, total] : totals(R"({app="mixed"})")) {
    RangeRequest request;
    request.query = R"({app="mixed"} |> `)" + pattern + "`";
    request.start_ns = kStartS * kNsPerSecond;
    request.end_ns = (kStartS + 3600) * kNsPerSecond;
    request.limit = 5000;
    const auto answer = store_.queries().range(store_.context(), request);
    ASSERT_TRUE(std::holds_alternative<QueryResult>(answer)) << pattern << std::get<QueryError>(answer).message;
    EXPECT_EQ(std::get<QueryResult>(answer).stats.entries_returned, total) << pattern;
  }
}

}  // namespace
}  // namespace cordwood::query
