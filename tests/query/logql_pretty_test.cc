// SPDX-License-Identifier: Apache-2.0
#include "query/logql_pretty.h"

#include <gtest/gtest.h>

#include "query/logql_parser.h"

namespace cordwood::query {
namespace {

std::string pretty(std::string_view text) {
  const auto expr = parse_logql(text);
  return expr.ok() ? pretty_print(**expr) : expr.error().message;
}

const std::string kSelector = R"({app="gateway", cluster="eu-west-1", namespace="production"})";

TEST(LogqlPretty, LineFiltersShareALineWhileThereIsRoom) {
  const std::string long_word = "\"" + std::string(70, 'w') + "\"";
  EXPECT_EQ(
      pretty(kSelector + R"( |= "a" != "b" or "c" | json | line_format "{{.message}} {{.more}}" |~ "d")"),
      kSelector + "\n  |= \"a\" != \"b\" or \"c\"\n  | json\n  | line_format \"{{.message}} {{.more}}\"\n  |~ \"d\"");
  EXPECT_EQ(pretty(kSelector + " |= \"a\" |= \"b\" |= " + long_word + " |= " + long_word + " |= \"c\" |= \"d\""),
            kSelector + "\n  |= \"a\" |= \"b\" |= " + long_word + "\n  |= " + long_word + "\n  |= \"c\"\n  |= \"d\"");
}

TEST(LogqlPretty, DecolorizeIsNotIndented) {
  EXPECT_EQ(
      pretty("rate(" + kSelector + R"( | decolorize | logfmt | level="some level that is long enough" [5m]))"),
      "rate(\n  " + kSelector + "\n| decolorize\n    | logfmt\n    | level=\"some level that is long enough\" [5m]\n)");
}

TEST(LogqlPretty, BinaryOperatorsKeepTheirMatching) {
  const std::string left = "rate(" + kSelector + "[1m])";
  const std::string right = "rate({app=\"gateway\"}[1m])";
  EXPECT_EQ(pretty(left + " / on(a, b) " + right), "  " + left + "\n/ on (a, b) \n  " + right);
  EXPECT_EQ(pretty(left + " > bool ignoring(a) group_right(c, d) " + right),
            "  " + left + "\n> bool ignoring (a) group_right (c, d)\n  " + right);
  EXPECT_EQ(pretty(left + " or on() " + right), "  " + left + "\nor on () \n  " + right);
}

TEST(LogqlPretty, EmptyGroupsStayWhereTheyMatter) {
  const std::string range = kSelector + "\n    | unwrap duration_seconds(took) [5m]\n";
  const auto f = [&](const std::string& text, const std::string& want) {
    EXPECT_EQ(pretty(text), want);
    EXPECT_EQ(pretty(want), want);
  };
  const std::string left = "sum(rate(" + kSelector + "[1m]))";
  f("avg_over_time(" + kSelector + " | unwrap duration_seconds(took) [5m]) by ()",
    "avg_over_time(\n  " + range + ") by ()");
  f("sum by () (count_over_time(" + kSelector + " |= \"twenty bytes or more\" [5m]))",
    "sum(\n  count_over_time(\n    " + kSelector + " |= \"twenty bytes or more\" [5m]\n  )\n)");
  f("sum without () (count_over_time(" + kSelector + " |= \"twenty bytes or more\" [5m]))",
    "sum without ()(\n  count_over_time(\n    " + kSelector + " |= \"twenty bytes or more\" [5m]\n  )\n)");
  f(left + " * ignoring () group_left " + left, "  " + left + "\n* ignoring () group_left\n  " + left);
}

TEST(LogqlPretty, OperatorsStandInParenthesesWhereTheyMatter) {
  const std::string a = "rate({app=\"a" + std::string(60, 'a') + "\"}[1m])";
  const std::string b = "rate({app=\"b" + std::string(60, 'b') + "\"}[1m])";
  const auto f = [&](const std::string& text, const std::string& want) {
    EXPECT_EQ(pretty(text), want);
    EXPECT_EQ(pretty(want), want);
  };
  f(a + " / " + b + " / " + a, "    " + a + "\n  /\n    " + b + "\n/\n  " + a);
  f(a + " / (" + b + " - " + a + ")", "  " + a + "\n/\n  (\n      " + b + "\n    -\n      " + a + "\n  )");
  f("(" + a + " ^ " + b + ") ^ 2", "  (\n      " + a + "\n    ^\n      " + b + "\n  )\n^\n  2");
  f("2 ^ " + a + " ^ " + b, "  2\n^\n    " + a + "\n  ^\n    " + b);
}

TEST(LogqlPretty, LongChainsTakeNoLongTime) {
  const std::string rate = "rate({a=\"b\"}[5m])";
  std::string chain = rate;
  for (int i = 0; i < 3900; ++i) chain += " + " + rate;
  EXPECT_GT(pretty(chain).size(), chain.size());
}

TEST(LogqlPretty, OffsetsStandBeforeStagesThatUnwrap) {
  const std::string text = "rate(" + kSelector + " | json | x=\"y\" | unwrap bytes(z) | __error__=\"\" [5m] offset 1h)";
  const std::string want = "rate(\n  " + kSelector +
                           " [5m] offset 1h\n    | json\n    | x=\"y\"\n    | unwrap bytes(z)\n" +
                           "    | __error__=\"\"\n)";
  EXPECT_EQ(pretty(text), want);
  EXPECT_EQ(pretty(want), want);
}

TEST(LogqlPretty, OffsetsKeepTheirValue) {
  const auto f = [&](const std::string& offset, const std::string& want) {
    const std::string line = "count_over_time(" + kSelector + " |= \"twenty bytes or more\"";
    EXPECT_EQ(pretty(line + " [5m] offset " + offset + ")"),
              "count_over_time(\n  " + kSelector + " |= \"twenty bytes or more\" [5m] offset " + want + "\n)");
  };
  f("90m", "1h30m");
  f("1d", "1d");
  f("-90m", "-1h30m0s");
  f("1500us", "1.5ms");
}

}  // namespace
}  // namespace cordwood::query
