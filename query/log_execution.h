// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/logql_ast.h"
#include "query/read_plan.h"

namespace cordwood::query {

/// Runs a log query: rows of all planned blocks in order of (time, stream, arrival), a block opened only when its
/// turn comes, until the limit is reached.
Result<Streams> run_log_query(const QueryScope& scope, const LogQuery& query, const RangeRequest& request);

}  // namespace cordwood::query
