// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/logql_ast.h"
#include "query/query_engine.h"
#include "storage/base/result.h"

/// What a tenant's limits say about a query before it runs.  Errors are invalid, with Loki's texts.
namespace cordwood::query {

/// Matchers required, counted and limited; range selectors not too long.
Result<void> check_expression(const QueryLimits& limits, const Expr& expr);
Result<void> check_length(const QueryLimits& limits, int64_t start_ns, int64_t end_ns);
Result<void> check_entries_limit(const QueryLimits& limits, uint64_t limit);
/// How many of the series go into the answer: all, or the first max_query_series and a warning where the client takes
/// a part; else an error.
Result<uint64_t> admit_series(const ReadContext& context, uint64_t series, std::vector<std::string>* warnings);

/// Moves the start up to what max_query_lookback lets be seen; false when nothing is left.
bool clamp_to_lookback(const QueryLimits& limits, int64_t now_ns, int64_t* start_ns, int64_t end_ns);

/// The range of a read of labels, series or volumes: its start moves as above, false when nothing of it is left.
/// Errors: longer than max_query_length; ends before it starts.
Result<bool> limit_metadata_range(const QueryLimits& limits, int64_t now_ns, int64_t* start_ns, int64_t end_ns);

/// Every selector of an expression.
std::vector<const LogQuery*> selectors(const Expr& expr);

}  // namespace cordwood::query
