// SPDX-License-Identifier: Apache-2.0
#include "storage/model/matcher.h"

#include <gtest/gtest.h>

namespace cordwood {
namespace {

TEST(Matcher, AnchorsAndCountsMissingAsEmpty) {
  auto f = [](MatchOp op, const char* pattern, const char* value, bool want) {
    const Result<Matcher> m = Matcher::make("x", op, pattern);
    ASSERT_TRUE(m.ok());
    EXPECT_EQ(m->matches(value), want) << m->to_string() << " on '" << value << "'";
  };
  f(MatchOp::equal, "a", "a", true);
  f(MatchOp::not_equal, "a", "", true);
  f(MatchOp::regex, "a|b", "ab", false);
  f(MatchOp::regex, "a.b", "a\nb", true);
  f(MatchOp::regex, ".*", "", true);
  f(MatchOp::not_regex, "a.+", "ab", false);
  f(MatchOp::regex, "(?<n>a)", "a", true);
}

TEST(Matcher, ReportsGoErrors) {
  auto f = [](const char* pattern, const char* want) {
    const Result<Matcher> m = Matcher::make("x", MatchOp::regex, pattern);
    ASSERT_FALSE(m.ok());
    EXPECT_EQ(m.error().message, want);
  };
  f("(", "error parsing regexp: missing closing ): `(`");
  f("a)", "error parsing regexp: unexpected ): `a)`");
  f("[a", "error parsing regexp: missing closing ]: `[a`");
  f("*", "error parsing regexp: missing argument to repetition operator: `*`");
}

}  // namespace
}  // namespace cordwood
