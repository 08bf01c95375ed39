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

}  // namespace
}  // namespace cordwood::query
