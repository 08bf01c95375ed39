// SPDX-License-Identifier: Apache-2.0
#include "query/log_query_text.h"

#include "query/logql_parser.h"
#include "query/logql_print.h"

namespace cordwood::query {

Result<std::string> with_line_regex(std::string_view query, std::string_view regex) {
  TRY_ASSIGN(const ExprPtr expr, parse_logql(query));
  const LogQuery* parsed = as_log_query(*expr);
  if (parsed == nullptr) return Error::invalid("only log selector is supported");
  LogQuery filtered = *parsed;
  filtered.stages.emplace_back(LineFilterStage{LineOp::regex, {{.ip = false, .text = std::string(regex)}}});
  return to_string(filtered);
}

Result<std::string> selector_of(std::string_view query) {
  TRY_ASSIGN(const ExprPtr expr, parse_logql(query));
  const Expr* inner = expr.get();
  for (;;) {
    if (const auto* log = as_log_query(*inner)) return matchers_to_string(log->matchers);
    if (const auto* range = std::get_if<RangeAggregation>(&inner->node)) {
      return matchers_to_string(range->range.query.matchers);
    }
    if (const auto* vector = std::get_if<VectorAggregation>(&inner->node)) {
      inner = vector->inner.get();
    } else if (const auto* replace = std::get_if<LabelReplace>(&inner->node)) {
      inner = replace->inner.get();
    } else {
      return Error::invalid("only log selector is supported");
    }
  }
}

}  // namespace cordwood::query
