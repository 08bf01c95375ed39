// SPDX-License-Identifier: Apache-2.0
#include "query/logql_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "query/logql_print.h"

namespace cordwood::query {
namespace {

std::string parse(std::string_view text) {
  const auto expr = parse_logql(text);
  return expr.ok() ? to_string(**expr) : expr.error().message;
}

TEST(LogqlParser, PrintsCanonicalText) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(parse(text), want) << text; };
  f(R"({ app = "a",env!="b" }|="x")", R"({app="a", env!="b"} |= "x")");
  f(R"({a="b"} |= "x" or "y" != "z")", R"({a="b"} |= "x" or "y" != "z")");
  f(R"({a="b"} |= ip("10.0.0.0/8") !> "<_>x")", R"({a="b"} |= ip("10.0.0.0/8") !> "<_>x")");
  f(R"(sum(rate({x="y"}[90s])) by (a,b))", R"(sum by (a,b)(rate({x="y"}[1m30s])))");
  f(R"(count_over_time({a="b"}|="c"[1h30m] offset 5m))", R"(count_over_time({a="b"} |= "c"[1h30m] offset 5m0s))");
  f("1+2*3", "7");
  f("2 ^ 3 ^ 2 - -1 % 5", "513");
  f("1 > bool 2", "0");
  f(R"({a="b"} | size > 10KB and d > 1m30s or ip = ip("10.0.0.0/8") , n == 5)",
    R"({a="b"} | ( ( size>10kB , d>1m30s ) or ( ip=ip("10.0.0.0/8") , n==5 ) ))");
  f(R"({a="b"} | x="y", z=1 OR w<=2)", R"({a="b"} | ( x="y" , ( z==1 or w<=2 ) ))");
  f(R"({a="b"} | logfmt --strict --keep-empty x="y", z | drop a, b="c" | keep d=~"e")",
    R"({a="b"} | logfmt --strict --keep-empty x="y",z="z" | drop a,b="c" | keep d=~"e")");
  f("{a=\"b\"} # comment\n| label_format a=b, c=`{{.x}}` // rest\n| unpack",
    R"({a="b"} | label_format a=b,c="{{.x}}" | unpack)");
  f(R"(sum without(a)(sum_over_time({a="b"} | json | unwrap bytes(x) | __error__="" [5m] offset -1h)))",
    R"(sum without (a)(sum_over_time({a="b"}[5m] offset -1h0m0s | json | unwrap bytes(x) | __error__="")))");
  f(R"(rate({rate="x", sum="y", ip="z"}[1d]))", R"(rate({rate="x", sum="y", ip="z"}[1d]))");
  f(R"(sum(count_over_time({a="b"}[5m])) / on(x) group_left(y) topk(2, rate({a="c"}[5m])) > bool 1)",
    R"(((sum(count_over_time({a="b"}[5m])) / on (x) group_left (y) topk(2,rate({a="c"}[5m]))) > bool 1))");
  f(R"(rate({a="b"}[1m]) and ignoring(x, y) rate({a="c"}[1m]))",
    R"((rate({a="b"}[1m]) and ignoring (x,y)  rate({a="c"}[1m])))");
}

TEST(LogqlParser, PrintsWhatCanBeRead) {
  const auto f = [](std::string_view text, std::string_view want) {
    EXPECT_EQ(parse(text), want) << text;
    EXPECT_EQ(parse(want), want) << text;
  };
  const std::string rate = R"(rate({a="b"}[5m]))";
  f(rate + " > 1 / 0", "(" + rate + " > (0 / 0))");
  f(rate + " > 10 ^ 400", "(" + rate + " > (1e+308 * 10))");
  f(rate + " > -1 * 10 ^ 400", "(" + rate + " > (-1e+308 * 10))");
  f(rate + " + 0 * -1", "(" + rate + " + -0.0)");
  f(R"({a="b"} | x > 5666666666666666k)", R"({a="b"} | x>5666PB)");
  f(R"({a="b"} | x > 0KB)", R"({a="b"} | x>0kB)");
  f(R"({a="b"} | x > -0.0)", R"({a="b"} | x>-0.0)");
  f(rate + " / ignoring () " + rate, "(" + rate + " / " + rate + ")");
  f(rate + " / ignoring () group_left (x) " + rate, "(" + rate + " / ignoring () group_left (x) " + rate + ")");
  f(rate + " / on () group_right () " + rate, "(" + rate + " / on () group_right " + rate + ")");
  f("sum by () (" + rate + ")", "sum(" + rate + ")");
  f("sum without () (" + rate + ")", "sum without ()(" + rate + ")");
  f("topk(3, " + rate + ") by ()", "topk(3," + rate + ")");
  f(R"(avg_over_time({a="b"} | unwrap x [5m]) by ())", R"(avg_over_time({a="b"} | unwrap x[5m]) by ())");
}

TEST(LogqlParser, AcceptsEveryOrderInARange) {
  const auto f = [](std::string_view range) {
    const std::string text = "sum_over_time(" + std::string(range) + ")";
    EXPECT_TRUE(parse_logql(text).ok()) << parse(text) << "\n" << text;
  };
  f(R"({a="b"} | unwrap x [5m])");
  f(R"({a="b"} [5m] | unwrap x)");
  f(R"({a="b"} [5m] offset 1h | unwrap x)");
  f(R"({a="b"} [5m] offset 1h | json | unwrap x)");
  f(R"(({a="b"} | json | unwrap x)[5m] offset 1h)");
  f(R"(({a="b"})[5m] | unwrap x)");
  f(R"((({a="b"} | unwrap x [5m])))");
}

TEST(LogqlParser, RefusesWithLokisText) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(parse(text), want) << text; };
  f(R"({foo="bar})", "parse error at line 1, col 6: literal not terminated");
  f(R"({foo="bar"} |~)", "parse error at line 1, col 15: syntax error: unexpected $end, expecting STRING or ip");
  f("rate({ foo = \"bar\" }[5)", "parse error at line 0, col 21: missing closing ']' in duration");
  f(R"(count without (rate({a="b"}[5m])))",
    "parse error at line 1, col 16: syntax error: unexpected RATE, expecting IDENTIFIER or )");
  f(R"(quantile_over_time(foo,{a="b"}[5m]))",
    "parse error at line 1, col 20: syntax error: unexpected IDENTIFIER, expecting NUMBER or { or (");
  f("", "parse error : syntax error: unexpected $end");
  f("\n{a=\"\u00e9\"} \u00e9", "parse error at line 2, col 9: syntax error: unexpected IDENTIFIER");
  f(R"(topk(1.2, rate({a="b"}[5m])))", "parse error : invalid parameter topk(1.2,");
  f(std::string(131072, ' '), "parse error : input size too long (131072 > 131072)");
}

TEST(LogqlParser, BoundsNesting) {
  EXPECT_FALSE(parse_logql(std::string(100000, '(')).ok());
  std::string sum = "rate({a=\"b\"}[5m])";
  for (int i = 0; i < 6000; ++i) sum += "+rate({a=\"b\"}[5m])";
  EXPECT_FALSE(parse_logql(sum).ok());
}

TEST(ParseSelector, TakesMatchersOnly) {
  EXPECT_EQ(parse_selector(R"({a="b", c=~"d"})").value().size(), 2U);
  EXPECT_EQ(parse_selector(R"({a="b"} |= "x")").error().message, "only label matchers are supported");
  EXPECT_TRUE(parse_selector("{}", SelectorRule::any).ok());
  EXPECT_FALSE(parse_selector("{}").ok());
}

}  // namespace
}  // namespace cordwood::query
