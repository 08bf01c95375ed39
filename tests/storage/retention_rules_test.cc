// SPDX-License-Identifier: Apache-2.0
#include "storage/retention_rules.h"

#include <gtest/gtest.h>

namespace cordwood {
namespace {

Matcher equal(const std::string& name, const std::string& value) {
  auto made = Matcher::make(name, MatchOp::equal, value);
  CHECK(made.ok(), "{}", value);
  return *made;
}

TEST(RetentionRules, TheHighestPriorityWinsThenTheShortestPeriod) {
  RetentionRules rules;
  const auto f = [&rules](const std::string& app, const std::string& env, int64_t want) {
    const Labels labels = Labels::from_pairs({{"app", app}, {"env", env}});
    EXPECT_EQ(rules.period_of(*Stream::make("t", StreamKind::log, labels)), want) << app << " " << env;
  };
  f("a", "dev", 0);
  EXPECT_EQ(rules.shortest_ns(), 0);
  rules.period_ns = 100;
  rules.streams = {{{equal("env", "dev")}, 1, 50},
                   {{equal("app", "a")}, 1, 30},
                   {{equal("app", "b"), equal("env", "dev")}, 2, 70},
                   {{equal("app", "b")}, 0, 10}};
  f("c", "live", 100);
  f("c", "dev", 50);
  f("a", "live", 30);
  f("a", "dev", 30);
  f("b", "dev", 70);
  f("b", "live", 10);
  EXPECT_EQ(rules.shortest_ns(), 10);
  rules.period_ns = 0;
  f("c", "live", 0);
  EXPECT_EQ(rules.shortest_ns(), 10);
}

}  // namespace
}  // namespace cordwood
