// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/logql_ast.h"
#include "query/read_plan.h"
#include "query/step_operators.h"
#include "query/step_series.h"

namespace cordwood::query {

/// Evaluates a range aggregation on every step.  `outer` is the grouping of a sum right around it that may already
/// be applied to the rows, or null.  `wanted`: of an instant answer no other series are needed; null: all are.
Result<StepVector> run_range_aggregation(const QueryScope& scope, const RangeAggregation& aggregation,
                                         const Grouping* outer, const StepGrid& grid, const Extremes* wanted);

}  // namespace cordwood::query
