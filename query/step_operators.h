// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "query/logql_ast.h"
#include "query/step_series.h"
#include "storage/base/result.h"

/// Operators over series on a grid, one file each.  They read no rows.
namespace cordwood::query {

/// The k largest, or smallest, values of a step: NaN comes last, of equal ones the first series.
struct Extremes {
  int64_t k = 0;
  bool largest = true;
  struct Candidate {
    double value;
    uint32_t series;
  };
  /// Leaves no more than k, the best first.
  void select(std::vector<Candidate>* candidates) const;
};
/// What topk and bottomk pick; nothing for others.
std::optional<Extremes> extremes_of(const VectorAggregation& aggregation);

StepVector aggregate_vector(const VectorAggregation& aggregation, StepVector input, const StepGrid& grid);

/// An error of vector matching has kind io: Loki answers it with 500.
Result<StepVector> combine_vectors(const BinaryExpr& expr, const StepVector& left, const StepVector& right,
                                   const StepGrid& grid);
/// One side is a literal.
StepVector combine_with_literal(const BinaryExpr& expr, StepVector vector, double literal, bool literal_is_left);
double combine_literals(const BinaryExpr& expr, double left, double right);

Result<StepVector> replace_label(const LabelReplace& expr, StepVector input);

/// Labels after `by` or `without`.
LabelPairs group_labels(const LabelPairs& labels, const std::vector<std::string>& names, bool without);

}  // namespace cordwood::query
