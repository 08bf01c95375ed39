// SPDX-License-Identifier: Apache-2.0
#include "query/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cordwood::query {
namespace {

TEST(ParseGoFloat, TakesGosGrammar) {
  const auto f = [](std::string_view text, double want) {
    const auto value = parse_go_float(text);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_EQ(*value, want) << text;
  };
  f("0", 0);
  f("-1.5", -1.5);
  f("+2.", 2);
  f(".5", 0.5);
  f("1e3", 1000);
  f("1_000.5", 1000.5);
  f("0x1p3", 8);
  f("0x1.8p1", 3);
  f("Inf", std::numeric_limits<double>::infinity());
  f("-infinity", -std::numeric_limits<double>::infinity());
  f("1e-400", 0);
  EXPECT_TRUE(std::isnan(*parse_go_float("NaN")));
}

TEST(ParseGoFloat, RefusesWithGosText) {
  const auto f = [](std::string_view text, std::string_view want) {
    ASSERT_FALSE(parse_go_float(text).ok()) << text;
    EXPECT_EQ(parse_go_float(text).error().message, want);
  };
  f("", "strconv.ParseFloat: parsing \"\": invalid syntax");
  f("0x10", "strconv.ParseFloat: parsing \"0x10\": invalid syntax");
  f("1e", "strconv.ParseFloat: parsing \"1e\": invalid syntax");
  f("_1", "strconv.ParseFloat: parsing \"_1\": invalid syntax");
  f("1__0", "strconv.ParseFloat: parsing \"1__0\": invalid syntax");
  f(" 1", "strconv.ParseFloat: parsing \" 1\": invalid syntax");
  f("+nan", "strconv.ParseFloat: parsing \"+nan\": invalid syntax");
  f("1e400", "strconv.ParseFloat: parsing \"1e400\": value out of range");
}

TEST(ParseGoInt, KnowsBases) {
  const auto f = [](std::string_view text, int base, int64_t want) {
    const auto value = parse_go_int(text, base);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_EQ(*value, want) << text;
  };
  f("-42", 10, -42);
  f("0x1F", 0, 31);
  f("010", 0, 8);
  f("0", 0, 0);
  f("1_000", 0, 1000);
  f("-9223372036854775808", 10, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(parse_go_int("9223372036854775808", 10).error().message,
            "strconv.ParseInt: parsing \"9223372036854775808\": value out of range");
  EXPECT_EQ(parse_go_int("12a", 10).error().message, "strconv.ParseInt: parsing \"12a\": invalid syntax");
}

TEST(FormatFloat, PrintsTheFewestDigits) {
  const auto f = [](double value, std::string_view plain, std::string_view general) {
    EXPECT_EQ(format_float(value), plain);
    EXPECT_EQ(format_float_general(value), general);
  };
  f(0.1, "0.1", "0.1");
  f(1e6, "1000000", "1e+06");
  f(123456, "123456", "123456");
  f(1e-5, "0.00001", "1e-05");
  f(-2.5, "-2.5", "-2.5");
  f(std::numeric_limits<double>::infinity(), "+Inf", "+Inf");
}

}  // namespace
}  // namespace cordwood::query
