// SPDX-License-Identifier: Apache-2.0
#include "query/query_limits.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "query/duration_text.h"

namespace cordwood::query {

namespace {

void visit_ranges(const Expr& expr, const std::function<void(const Expr&)>& visit) {
  visit(expr);
  if (const auto* vector = std::get_if<VectorAggregation>(&expr.node)) visit_ranges(*vector->inner, visit);
  if (const auto* replace = std::get_if<LabelReplace>(&expr.node)) visit_ranges(*replace->inner, visit);
  if (const auto* binary = std::get_if<BinaryExpr>(&expr.node)) {
    visit_ranges(*binary->left, visit);
    visit_ranges(*binary->right, visit);
  }
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

Result<void> check_matchers(const QueryLimits& limits, const LogQuery& query) {
  std::vector<std::string> present, missing;
  for (const Matcher& matcher : query.matchers) present.push_back(matcher.name());
  if (limits.max_streams_matchers_per_query > 0 && present.size() > limits.max_streams_matchers_per_query) {
    return Error::invalid(fmt::format("max streams matchers per query exceeded, matchers-count > limit ({} > {})",
                                      present.size(), limits.max_streams_matchers_per_query));
  }
  for (const std::string& name : limits.required_labels) {
    if (std::find(present.begin(), present.end(), name) == present.end()) missing.push_back(name);
  }
  if (!missing.empty()) {
    return Error::invalid(
        fmt::format("stream selector is missing required matchers [{}], labels present in the query were [{}]",
                    join(missing), join(present)));
  }
  if (present.size() < limits.minimum_labels_number) {
    return Error::invalid(
        fmt::format("stream selector has less label matchers than required: (present: [{}], number_present: {}, "
                    "required_number_label_matchers: {})",
                    join(present), present.size(), limits.minimum_labels_number));
  }
  return {};
}

}  // namespace

std::vector<const LogQuery*> selectors(const Expr& expr) {
  std::vector<const LogQuery*> out;
  visit_ranges(expr, [&out](const Expr& node) {
    if (const auto* query = as_log_query(node)) out.push_back(query);
    if (const auto* range = std::get_if<RangeAggregation>(&node.node)) out.push_back(&range->range.query);
  });
  return out;
}

Result<void> check_expression(const QueryLimits& limits, const Expr& expr) {
  for (const LogQuery* query : selectors(expr)) TRY(check_matchers(limits, *query));
  if (limits.max_query_range_ns <= 0) return {};
  int64_t longest_ns = 0;
  visit_ranges(expr, [&longest_ns](const Expr& node) {
    if (const auto* range = std::get_if<RangeAggregation>(&node.node)) {
      longest_ns = std::max(longest_ns, range->range.range_ns);
    }
  });
  if (longest_ns <= limits.max_query_range_ns) return {};
  return Error::invalid(fmt::format("[interval] value exceeds limit: [{}] > [{}]",
                                    format_prometheus_duration(longest_ns),
                                    format_prometheus_duration(limits.max_query_range_ns)));
}

Result<void> check_length(const QueryLimits& limits, int64_t start_ns, int64_t end_ns) {
  int64_t length_ns = 0;
  if (__builtin_sub_overflow(end_ns, start_ns, &length_ns)) {
    length_ns = end_ns > start_ns ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
  }
  if (limits.max_query_length_ns <= 0 || length_ns <= limits.max_query_length_ns) return {};
  return Error::invalid(fmt::format("the query time range exceeds the limit (query length: {}, limit: {})",
                                    format_go_duration(length_ns),
                                    format_prometheus_duration(limits.max_query_length_ns)));
}

Result<void> check_entries_limit(const QueryLimits& limits, uint64_t limit) {
  if (limits.max_entries_limit_per_query == 0 || limit <= limits.max_entries_limit_per_query) return {};
  return Error::invalid(
      fmt::format("max entries limit per query exceeded, limit > max_entries_limit_per_query ({} > {})", limit,
                  limits.max_entries_limit_per_query));
}

Result<uint64_t> admit_series(const ReadContext& context, uint64_t series, std::vector<std::string>* warnings) {
  const uint64_t limit = context.limits.max_query_series;
  if (limit == 0 || series <= limit) return series;
  if (context.takes_partial_series) {
    warnings->push_back(
        fmt::format("maximum number of series ({}) reached for a single query; returning partial results", limit));
    return limit;
  }
  return Error::invalid(
      fmt::format("maximum number of series ({}) reached for a single query; consider reducing query cardinality by "
                  "adding more specific stream selectors, reducing the time range, or aggregating results with "
                  "functions like sum(), count() or topk()",
                  limit));
}

bool clamp_to_lookback(const QueryLimits& limits, int64_t now_ns, int64_t* start_ns, int64_t end_ns) {
  if (limits.max_query_lookback_ns <= 0) return true;
  const int64_t oldest_ns = now_ns - limits.max_query_lookback_ns;
  if (end_ns < oldest_ns) return false;
  *start_ns = std::max(*start_ns, oldest_ns);
  return true;
}

Result<bool> limit_metadata_range(const QueryLimits& limits, int64_t now_ns, int64_t* start_ns, int64_t end_ns) {
  if (!clamp_to_lookback(limits, now_ns, start_ns, end_ns)) return false;
  TRY(check_length(limits, *start_ns, end_ns));
  if (end_ns >= *start_ns) return true;
  return Error::invalid(fmt::format("this data is no longer available, it is past now - max_query_lookback ({})",
                                    format_prometheus_duration(limits.max_query_lookback_ns)));
}

}  // namespace cordwood::query
