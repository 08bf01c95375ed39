// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/logql_ast.h"
#include "query/read_plan.h"
#include "query/step_series.h"

namespace cordwood::query {

/// Evaluates a metric expression on every step of the grid.
Result<StepValue> run_metric_query(const QueryScope& scope, const Expr& expr, const StepGrid& grid);

/// Whether sort or sort_desc stands anywhere: then an instant answer keeps the order of evaluation.
bool has_sort(const Expr& expr);

}  // namespace cordwood::query
