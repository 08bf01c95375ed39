// SPDX-License-Identifier: Apache-2.0
#include "query/regex_simplify.h"

#include <gtest/gtest.h>

namespace cordwood::query {

namespace {

TEST(SimpleRegex, LabelExpressions) {
  const auto f = [](std::string_view expression, std::string_view value, bool want) {
    const auto regex = SimpleRegex::make(expression, RegexPlace::label);
    ASSERT_TRUE(regex.ok()) << expression;
    EXPECT_EQ(regex->matches(value), want) << expression << " on " << value;
  };
  // A literal, and literals without a common start, must be the whole value.
  f("foo", "foo", true);
  f("foo", "xfoo", false);
  f("GET|POST", "GET", true);
  f("GET|POST", "GETX", false);
  // With .* or a common start they are looked for anywhere.
  f("al.*", "prealpha", true);
  f(".*al", "alpha", true);
  f("POST|PUT", "xPUTx", true);
  f("POST|PUT", "GET", false);
  f("b|bar|buzz", "xbx", true);
  // Sets of characters keep the expression as it is.
  f("foo|fob", "xfoo", false);
  f("foo|fob", "fob", true);
  f("a|b", "ab", false);
  f("fo+", "foo", true);
  f("fo+", "xfoo", false);
  f("(al.*)", "xal", true);
  f("(?i)get", "GeT", true);
  f("(?i)get", "GeTx", false);
  f("(?i)get.*", "xGeTx", true);
  // Everything, and everything but the empty value.
  f(".*", "", true);
  f(".+", "", false);
  f(".+", "x", true);
  f(".*|foo", "bar", false);
  // One buffer for two alternatives: the second overwrites the first.
  f("plac.*|payment.*", "order placed", false);
  f("plac.*|payment.*", "paym", true);
  f("plac.*|pay.*", "order placed", false);
  f("plac.*|pay.*", "payc", true);
}

TEST(SimpleRegex, LineExpressions) {
  const auto f = [](std::string_view expression, std::string_view line, bool want) {
    const auto regex = SimpleRegex::make(expression, RegexPlace::line);
    ASSERT_TRUE(regex.ok()) << expression;
    EXPECT_EQ(regex->matches(line), want) << expression << " on " << line;
  };
  f("foo", "a foo b", true);
  f("foo|bar", "a bar b", true);
  f("^foo", "a foo", false);
  f("fo{2}", "a foo", true);
  f("(?i)error", "An ERROR", true);
  f("a.c", "a\nc", false);
  f("", "x", true);
  EXPECT_TRUE(SimpleRegex::make(".*", RegexPlace::line)->match_all());
  EXPECT_TRUE(SimpleRegex::make("(?:)", RegexPlace::line)->match_all());
  EXPECT_FALSE(SimpleRegex::make(".+", RegexPlace::line)->match_all());
  const auto bad = SimpleRegex::make("(", RegexPlace::line);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message, "error parsing regexp: missing closing ): `(`");
}

TEST(SimpleRegex, LongestMatch) {
  const auto f = [](std::string_view expression, std::optional<size_t> want) {
    const auto regex = SimpleRegex::make(expression, RegexPlace::line);
    ASSERT_TRUE(regex.ok()) << expression;
    EXPECT_EQ(regex->longest_match(), want) << expression;
  };
  f("after 9[0-9]{3}7ms", 13);
  f("a(bc|[x-z]\\d)?e", 4);
  f("ab{2,4}c", 6);
  f("é.[^a]", 12);
  f("(?i)ab[0-9]", 12);
  f("ab[[:digit:]]", 6);
  f("ab[0-9]+", std::nullopt);
  f("ab[0-9]*c", std::nullopt);
  f("ab[0-9]{2,}", std::nullopt);
  f("^ab[0-9]", std::nullopt);
  f("ab[0-9]$?", std::nullopt);
}

TEST(SimpleRegex, WordsThatAMatchMustHold) {
  // `~word`: in either case
  const auto f = [](std::string_view expression, const std::vector<std::string>& want, bool enough = false) {
    const auto regex = SimpleRegex::make(expression, RegexPlace::line);
    ASSERT_TRUE(regex.ok()) << expression;
    std::vector<std::string> words;
    for (const RequiredWord& word : regex->required_words()) words.push_back((word.folded ? "~" : "") + word.text);
    EXPECT_EQ(words, want) << expression;
    if (!want.empty()) {
      EXPECT_EQ(regex->required_words_are_enough(), enough) << expression;
    }
  };
  f("foo", {"foo"}, true);
  f("foo|bar", {"foo", "bar"}, true);
  f("foo.*", {"foo"}, true);
  f("after 9[0-9]{3}7ms", {"after 9"});
  f("[0-9]+ms (slow|quick) done$", {" done"});
  f("x[0-9](slow|quick)", {"slow", "quick"});
  f("^(abc)+x?", {"abc"});
  f("a.b", {});
  f("(abc)?[0-9]", {});
  f("(abc)*[0-9]", {});
  f("(abc){0,2}[0-9]", {});
  f("(?i)Error [0-9]", {"~error "});
  f("(?i)error", {"~error"});
  f("(?i)naïve STRASSE|1", {});
  f("(?i)naïve STRASSE|12:34", {"~ve strasse", "12:34"});
  f("(?i:err)[0-9]+tail", {"tail"});
  f("abc[0-9]|[a-z]", {});
  f("[0-9]\\.log\\?", {".log?"});
  f("[0-9]abc\uFFFDde", {"abc"});
}

}  // namespace

}  // namespace cordwood::query
