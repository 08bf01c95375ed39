// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "query/logql_parser.h"
#include "query/query_engine.h"

namespace cordwood::query {
namespace {

/// The texts of a request that are queries or selectors.
std::vector<std::string> texts_of(const nlohmann::json& params) {
  std::vector<std::string> texts;
  for (const char* name : {"query", "match", "match[]"}) {
    const auto value = params.find(name);
    if (value == params.end()) continue;
    if (value->is_string()) texts.push_back(*value);
    if (value->is_array()) texts.insert(texts.end(), value->begin(), value->end());
  }
  std::erase(texts, "");
  return texts;
}

bool takes_whole_queries(const std::string& path) {
  return path.find("query") != std::string::npos || path.find("/detected_field") != std::string::npos;
}

/// Why the parser that belongs to the path refuses the text; empty when it takes it.
std::string refusal(const std::string& path, const std::string& text) {
  if (takes_whole_queries(path)) {
    const auto parsed = parse_logql(text);
    return parsed.ok() ? "" : parsed.error().message;
  }
  // That there is a usable matcher is for the engine to check, where Loki checks it.
  const auto parsed =
      parse_selector(text, path.ends_with("/labels") ? SelectorRule::needs_non_empty : SelectorRule::any);
  return parsed.ok() ? "" : parsed.error().message;
}

bool is_parse_error(const std::string& text) {
  return text.starts_with("parse error") || text == "only label matchers are supported";
}

/// Every text Loki took must parse; every one it refused for its own sake must be refused, mostly in the same words.
TEST(LogqlConformance, AgreesWithRecordedAnswers) {
  std::ifstream cases("../shared/conformance/cases.jsonl");
  if (!cases) GTEST_SKIP() << "../shared/conformance/cases.jsonl is missing";
  int accepted = 0, refused = 0, same_text = 0;
  for (std::string line; std::getline(cases, line);) {
    const auto c = nlohmann::json::parse(line);
    const auto& body = c["expect"]["body"];
    const std::string want = body.is_string() ? body.get<std::string>() : body.value("error", "");
    if (want.find(": stage '") != std::string::npos) continue;  // found when the pipeline is built
    for (const std::string& text : texts_of(c["params"])) {
      const std::string got = refusal(c["path"], text);
      if (!is_parse_error(want)) {
        ++accepted;
        EXPECT_EQ(got, "") << c["id"] << " " << text;
        continue;
      }
      ++refused;
      EXPECT_NE(got, "") << c["id"] << " " << text << "\n" << want;
      same_text += got == want;
      if (got != want) std::cout << text << "\n  want " << want << "\n  got  " << got << "\n";
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
