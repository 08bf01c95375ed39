// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "tests/query/query_answers.h"

namespace cordwood::query {

namespace {

/// Lines of the kinds that parsers meet, with keys that collide, nest, repeat and need escapes.
class LineMaker {
 public:
  explicit LineMaker(uint32_t seed) : random_(seed) {}

  std::string json(int depth = 0) {
    std::string out = "{";
    const int members = pick(6);
    for (int i = 0; i < members; ++i) {
      if (i > 0) out += pick(4) == 0 ? " , " : ",";
      out += "\"" + one_of({"a", "b", "c-d", "9x", "app", "trace_id", "", " ", "a_b", "é", "a", "k\\u0041"}) + "\":";
      out += pick(5) == 0 ? " " : "";
      out += value(depth);
    }
    return out + "}";
  }

  std::string logfmt() {
    std::string out;
    const int pairs = 1 + pick(6);
    for (int i = 0; i < pairs; ++i) {
      if (i > 0) out += ' ';
      out += one_of({"a", "b", "c.d", "9x", "app", "trace_id", "a", "é"});
      const int kind = pick(8);
      if (kind == 0) continue;
      out += '=';
      if (kind == 1) continue;
      out += kind < 4 ? "\"" + one_of({"x y", "", "q\\\"q", "\\u00e9", "t\\tt"}) + "\""
                      : one_of({"1", "-5", "7.5", "abc"});
    }
    return out;
  }

  std::string metadata() {
    if (pick(3) != 0) return "";
    return pick(2) == 0 ? R"({"trace_id":"m1"})" : R"({"trace_id":"m2","b":"meta","app":"shadow"})";
  }
  int pick(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }

 private:
  std::string one_of(std::vector<std::string> choices) {
    return choices[static_cast<size_t>(pick(static_cast<int>(choices.size())))];
  }
  std::string value(int depth) {
    switch (pick(depth < 3 ? 9 : 8)) {
      case 0: return "null";
      case 1: return "true";
      case 2: return std::to_string(pick(2000) - 1000);
      case 3: return one_of({"1.50", "1e3", "-0", "0.25", "12345678901234567890"});
      case 4: return "[1,\"x\",{\"a\":2}]";
      case 5: return "\"" + std::to_string(pick(100)) + "\"";
      case 8: return json(depth + 1);
      default:
        return "\"" + one_of({"x", "two words", "q\\\"q", "\\u00e9", "\\ud83d\\ude00", "", "line\\nbreak"}) + "\"";
    }
  }
  std::mt19937 random_;
};

void fill_shapes(QueryStore* store, uint32_t seed) {
  LineMaker make(seed);
  for (const std::string stream : {R"({"app":"one"})", R"({"app":"two","a":"stream"})"}) {
    PushBody body(stream);
    for (int i = 0; i < 250; ++i) {
      const int kind = make.pick(10);
      const std::string line = kind == 0 ? "not a pair" : kind < 6 ? make.json() : make.logfmt();
      body.add(kTestStartNs + (i + 1) * 12 * kNsPerSecond, line, make.metadata());
    }
    store->push_json(body.text());
  }
}

constexpr const char* kQueries[] = {
    R"({app=~".+"} | json)",
    R"({app=~".+"} | json | a > 100)",
    R"({app=~".+"} | json | a_b = "x")",
    R"({app=~".+"} | json | a = "x" or b = "true")",
    R"({app=~".+"} | json | b =~ ".+" | a_extracted > 5)",
    R"({app=~".+"} | json | trace_id_extracted != "")",
    R"({app=~".+"} | json | line_format "{{.a}}|{{.b}}|{{.a_b}}")",
    R"({app=~".+"} | json | drop trace_id | label_format z=a | z != "")",
    R"({app=~".+"} | logfmt)",
    R"({app=~".+"} | logfmt | a > 0)",
    R"({app=~".+"} | logfmt --strict)",
    R"({app=~".+"} | logfmt --keep-empty)",
    R"({app=~".+"} | logfmt | json | a != "")",
    R"(sum(count_over_time({app=~".+"} | json | a >= 100 [5m])))",
    R"(sum by (a) (count_over_time({app=~".+"} | json | __error__="" [5m])))",
    R"(sum by (a_extracted, b) (count_over_time({app=~".+"} | json | a_b > 3 | __error__="" [5m])))",
    R"(sum by (trace_id) (sum_over_time({app=~".+"} | json | unwrap a | __error__="" [5m])))",
    R"(max_over_time({app=~".+"} | logfmt | unwrap a | __error__="" [5m]) by (b))",
    R"(sum by (b) (count_over_time({app=~".+"} | logfmt | a != "" [10m])))",
    R"(count_over_time({app="one"} | json | __error__="" | keep a [10m]))",
    R"({app=~".+"} | json | a > 100 | b != "x" | __error__="")",
    R"({app=~".+"} | json | a > 100 and b != "x" | __error__!="")",
    R"({app=~".+"} | json | a = "stream" or a = "true")",
    R"({app=~".+"} | json | a != "stream", b = "")",
    R"({app=~".+"} | trace_id = "m1" | json | b != "")",
    R"({app=~".+"} | b != "x" | json | a > 0)",
    R"({app=~".+"} |= "x" | json | b = "x")",
    R"({app=~".+"} != "x" != "true" | json | b != "")",
    R"({app=~".+"} |~ "two w|q" | json)",
    R"({app=~".+"} |~ `two w[a-z]{2}d`)",
    R"({app=~".+"} |~ `"a": ?-?[0-9]{1,3}[,}]` | json)",
    R"({app=~".+"} |~ `[ab]=.{2,4} y`)",
    R"({app=~".+"} |~ `wo words.{0,8}"a_b"`)",
    R"({app=~".+"} |~ `é[^"]{0,3}"?x`)",
    R"({app=~".+"} |~ `(tru|fals)e[}]?$`)",
    R"({app=~".+"} !~ `two w[a-z]{2}d.?,`)",
    R"(sum(count_over_time({app=~".+"} |~ `(two|nope) words?".?}` [5m])))",
    R"(sum(count_over_time({app=~".+"} |~ `"[ab]":[0-9.]{1,4}` !~ `c.d.{1,6}abc` [5m])))",
    R"(sum(count_over_time({app=~".+"} |~ `x y"? [a-z.]{1,8}=` [5m])))",
    R"({app=~".+"} !~ "two w[a-z]+" | json | a > -500)",
    R"({app=~".+"} |= "two" or "true" | logfmt | b != "abc")",
    R"({app=~".+"} | trace_id = "m1")",
    R"({app=~".+"} | json | b = ip("1.2.3.4"))",
    R"({app=~".+"} | json | a > 100 | a_b = ip("1.2.3.4"))",
    R"({app=~".+"} | json | a > 100 or b > 5 | a_b = ip("1.2.3.4"))",
    R"({app=~".+"} | json | a = ip("1.2.3.4"))",
    R"({app=~".+"} | json z="a", b)",
    R"({app=~".+"} | json z="a" | z != "")",
    R"({app=~".+"} | json z="a.b", b="b" | b = "x" | z = "")",
    R"({app=~".+"} | json z="[\"c-d\"]" | z > 3)",
    R"({app=~".+"} | json z="a[1]" | z != "")",
    R"({app=~".+"} | json z="a", z="b" | z != "")",
    R"({app=~".+"} | json a="b", trace_id="a" | a != "" | trace_id != "m1")",
    R"({app=~".+"} | z = "" | json z="a" | z = "true")",
    R"({app=~".+"} | logfmt z="a", b | z != "")",
    R"({app=~".+"} | logfmt --strict z="a" | z != "" | __error__="")",
    R"({app=~".+"} | logfmt a="b", app="a" | a = "")",
    R"(sum by (z) (count_over_time({app=~".+"} | json z="a" | drop __error__, __error_details__ | z != "" [5m])))",
    R"(sum by (z, b) (count_over_time({app=~".+"} | json z="a", b="c-d" | __error__="" [5m])))",
    R"(sum by (z, q) (count_over_time({app=~".+"} | json z="a" | logfmt | drop __error__, __error_details__ [5m])))",
    R"(avg_over_time({app=~".+"} | json z="a" | unwrap z | __error__="" [5m]) by ())",
    R"(sum by (z) (sum_over_time({app=~".+"} | logfmt z="a" | unwrap z | __error__="" [5m])))",
    R"(sum by (z) (count_over_time({app=~".+"} | logfmt z="a", b="é" | b = "" [5m])))",
    R"(sum by (b) (count_over_time({app=~".+"} | json | a >= 100 [5m])))",
    R"(sum by (b) (count_over_time({app=~".+"} | json | __error__="" | a >= 100 [5m])))",
    R"(sum by (app, trace_id, b) (count_over_time({app=~".+"} | json | __error__="" [5m])))",
    R"(sum by (a, b, c_d, a_b) (count_over_time({app=~".+"} | json | __error__="" [5m])))",
    R"(quantile_over_time(0.7, {app=~".+"} | json | unwrap a | __error__="" [7m]) by (app))",
    R"(avg_over_time({app=~".+"} | json | unwrap a | a > 10 | __error__="" [5m]) by (trace_id))",
    R"(sum by (b) (sum_over_time({app=~".+"} | json | unwrap duration(a) | __error__="" [5m])))",
    R"(sum by (b) (sum_over_time({app=~".+"} | json | unwrap bytes(a) | __error__="" [5m])))",
    R"(sum by (a) (sum_over_time({app=~".+"} | json | a > 100 | unwrap a | __error__="" [5m])))",
    R"(count(count_over_time({app=~".+"} | json | drop __error__ | a != "" [5m])))",
    R"(sum by (b) (rate({app=~".+"} | json | drop a, __error__ | b != "" [5m])))",
    R"(sum by (b) (rate({app=~".+"} | json | drop b | a != "" [5m])))",
    R"(sum(count_over_time({app=~".+"} |= "x" [5m])))",
    R"(sum(count_over_time({app=~".+"} |= "x" | json | __error__!="" [5m])))",
    R"(sum by (trace_id) (count_over_time({app=~".+"} | trace_id != "" [5m])))",
    R"(first_over_time({app=~".+"} | logfmt | unwrap a | __error__="" [5m]) by (app))",
    R"(sum by (b) (bytes_over_time({app=~".+"} | json | __error__="" | a > 0 [5m])))",
    R"(absent_over_time({app=~".+"} | json | a > 5000 [5m]))",
};

TEST(ShapePath, GivesWhatTheTextGives) {
  for (uint32_t seed = 1; seed <= 2; ++seed) {
    QueryStore text, shaped(nullptr, {}, UINT64_MAX), columns(nullptr, {}, 0);
    for (QueryStore* store : {&text, &shaped, &columns}) fill_shapes(store, seed);
    shaped.flush();
    columns.flush();
    for (const std::string query : kQueries) {
      const auto answer = [&query](const QueryStore& store) {
        return answer_text(store.queries().range(store.context(), hour_request(query)));
      };
      const auto want = answer(text);
      ASSERT_EQ(answer(shaped), want) << query << " seed " << seed;
      ASSERT_EQ(answer(columns), want) << query << " by columns, seed " << seed;
    }
  }
}

TEST(ShapePath, SettlesRowsByColumns) {
  QueryStore store(nullptr, {}, 0);
  PushBody body(R"({"app":"x"})");
  for (int i = 0; i < 1000; ++i) {
    // One line in a hundred is no object, and one in a hundred has a status that is no number.
    const std::string status = i % 100 == 7 ? R"("none")" : std::to_string(i % 10 == 0 ? 500 : 200);
    const std::string line = R"({"status":)" + status + R"(,"took":)" + std::to_string(i) + R"(.5,"user":"u)" +
                             std::to_string(i % 50) + R"("})";
    body.add(kTestStartNs + (i + 1) * kNsPerSecond, i % 100 == 9 ? "plain text " + std::to_string(i) : line);
  }
  store.push_json(body.text());
  store.flush();
  const auto f = [&store](const std::string& query, const std::string& want, uint64_t want_rows) {
    const auto answer = store.queries().range(store.context(), hour_request(query));
    EXPECT_EQ(answer_text(answer).back(), want) << query;
    EXPECT_EQ(std::get<QueryResult>(answer).stats.column_rows, want_rows) << query;
  };
  f(R"(sum(count_over_time({app="x"} | json | __error__="" | status >= 500 [1h])))", "{} 1795050000000 100", 990);
  f(R"(sum(count_over_time({app="x"} | json | __error__="" | status = "none" [1h])))", "{} 1795050000000 10", 1000);
  f(R"(sum by (user) (count_over_time({app="x"} | json | user = "u3", __error__="" [1h])))",
    R"({user="u3"} 1795050000000 20)", 1000);
  f(R"(max_over_time({app="x"} | json | __error__="" | unwrap took [1h]) by (app))", R"({app="x"} 1795050000000 999.5)",
    1000);
  f(R"(sum by (s) (count_over_time({app="x"} | json s="status" | drop __error__, __error_details__ | s = "200" [1h])))",
    R"({s="200"} 1795050000000 880)", 1000);
  f(R"(sum(count_over_time({app="x"} |= "plain text" [1h])))", "{} 1795050000000 10", 1000);
  // What the columns do not know is read line by line.
  f(R"(sum(count_over_time({app="x"} | label_format z=app | json | z = "x" | __error__="" [1h])))",
    "{} 1795050000000 990", 0);
}

TEST(ShapePath, ReadsOnlyTheColumnsAsked) {
  QueryStore store;
  PushBody body(R"({"app":"x"})");
  for (int i = 0; i < 2000; ++i) {
    body.add(kTestStartNs + (i + 1) * kNsPerSecond, R"({"http_status":)" + std::to_string(i % 10 == 0 ? 500 : 200) +
                                                        R"(,"msg":"some text of row )" + std::to_string(i * 7919) +
                                                        R"("})");
  }
  store.push_json(body.text());
  store.flush();
  const auto answer = store.queries().range(
      store.context(), hour_request(R"(sum(count_over_time({app="x"} | json | http_status >= 500 [1h])))"));
  ASSERT_EQ(answer_text(answer).back(), "{} 1795050000000 200");
  const QueryStats& stats = std::get<QueryResult>(answer).stats;
  EXPECT_EQ(stats.read.heap_frames, 0U);
  EXPECT_EQ(stats.read.lines_rendered, 0U);
  EXPECT_EQ(stats.lines_processed, 2000U);
}

}  // namespace

}  // namespace cordwood::query
