// SPDX-License-Identifier: Apache-2.0
// What we print of a query is a query, and prints alike.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "query/logql_parser.h"
#include "query/logql_pretty.h"
#include "query/logql_print.h"
#include "tests/query/reference/random_queries.h"

namespace cordwood::query {
namespace {

void expect_round_trip(const std::string& text) {
  const auto expr = parse_logql(text);
  if (!expr.ok()) return;
  for (const std::string& printed : {to_string(**expr), pretty_print(**expr)}) {
    const auto again = parse_logql(printed);
    ASSERT_TRUE(again.ok()) << text << "\n" << printed << "\n" << again.error().message;
    EXPECT_EQ(to_string(**again), to_string(**expr)) << text;
    EXPECT_EQ(pretty_print(**again), pretty_print(**expr)) << text;
  }
}

TEST(LogqlRoundTrip, RecordedQueries) {
  std::ifstream cases("../shared/conformance/cases.jsonl");
  if (!cases) GTEST_SKIP() << "../shared/conformance/cases.jsonl is missing";
  for (std::string line; std::getline(cases, line);) {
    const auto params = nlohmann::json::parse(line)["params"];
    if (params.contains("query") && params["query"].is_string()) expect_round_trip(params["query"]);
  }
}

TEST(LogqlRoundTrip, RandomQueries) {
  reference::Random random(5);
  for (int i = 0; i < 3000; ++i) {
    expect_round_trip(reference::random_log_query(random));
    expect_round_trip(reference::random_metric_query(random));
  }
}

}  // namespace
}  // namespace cordwood::query
