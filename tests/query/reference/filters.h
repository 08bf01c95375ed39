// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <re2/re2.h>

#include <memory>

#include "query/logql_ast.h"
#include "tests/query/reference/entry.h"

namespace cordwood::query::reference {

/// Expressions compiled once for a query.
class Regexes {
 public:
  bool found(const std::string& expression, const std::string& text) {
    return RE2::PartialMatch(text, get(expression));
  }
  bool whole(const std::string& expression, const std::string& text) { return RE2::FullMatch(text, get(expression)); }
  const RE2& get(const std::string& expression);

 private:
  std::map<std::string, std::unique_ptr<RE2>> compiled_;
};

/// A matcher of a selector, drop or keep; its dot matches newlines.
bool matches(const Matcher& matcher, const std::string& value, Regexes* regexes);
bool selected(const std::vector<Matcher>& matchers, const LabelMap& stream, Regexes* regexes);
bool passes(const LineFilterStage& stage, const std::string& line, Regexes* regexes);
/// May set the error of the row.
bool passes(const LabelFilter& filter, Row* row, Regexes* regexes);
/// A label filter: anchored, except where Loki takes simple expressions for substrings.
bool label_matches(const Matcher& matcher, const std::string& value, Regexes* regexes);

}  // namespace cordwood::query::reference
