// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "query/logql_parser.h"
#include "query/query_engine.h"

namespace cordwood::query {
namespace {

/// Every query Loki took must parse; every one it refused by its text must be refused, mostly in the same words.
TEST(LogqlConformance, AgreesWithRecordedAnswers) {
  std::ifstream cases("../shared/conformance/cases.jsonl");
  if (!cases) GTEST_SKIP() << "../shared/conformance/cases.jsonl is missing";
  int accepted = 0;
  int refused = 0;
  int same_text = 0;
  for (std::string line; std::getline(cases, line);) {
    const auto c = nlohmann::json::parse(line);
    if (!c["params"].contains("query") || !c["params"]["query"].is_string()) continue;
    const auto query = c["params"]["query"].get<std::string>();
    const std::string path = c["path"];
    if (query.empty() || (path.find("query") == std::string::npos)) continue;
    const auto& body = c["expect"]["body"];
    const std::string text = body.is_string()   ? body.get<std::string>()
                             : body.is_object() ? body.value("error", "")
                                                : "";
    const bool parse_error = c["expect"]["status"] == 400 && text.starts_with("parse error");
    const auto parsed = parse_logql(query);
    if (!parse_error) {
      ++accepted;
      EXPECT_TRUE(parsed.ok()) << query << "\n" << parsed.error().message;
      continue;
    }
    if (text.find(": stage '") != std::string::npos) continue;  // found when the pipeline is built
    ++refused;
    EXPECT_FALSE(parsed.ok()) << query << "\n" << text;
    if (parsed.ok()) continue;
    if (parsed.error().message == text) {
      ++same_text;
    } else {
      std::cout << query << "\n  want " << text << "\n  got  " << parsed.error().message << "\n";
    }
  }
  std::cout << accepted << " accepted, " << refused << " refused, " << same_text << " with the same text\n";
  EXPECT_GE(same_text * 100, refused * 95);
}

TEST(FormatQuery, AgreesWithRecordedAnswers) {
  std::ifstream cases("../shared/conformance/cases.jsonl");
  if (!cases) GTEST_SKIP() << "../shared/conformance/cases.jsonl is missing";
  for (std::string line; std::getline(cases, line);) {
    const auto c = nlohmann::json::parse(line);
    if (c["path"] != "/loki/api/v1/format_query") continue;
    const auto answer = QueryEngine::format(c["params"].value("query", ""));
    const auto& body = c["expect"]["body"];
    if (const auto* error = std::get_if<QueryError>(&answer)) {
      EXPECT_EQ(error->message, body.value("error", ""));
    } else {
      EXPECT_EQ(std::get<std::string>(answer), body.value("data", ""));
    }
  }
}

}  // namespace
}  // namespace cordwood::query
