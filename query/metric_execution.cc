// SPDX-License-Identifier: Apache-2.0
#include "query/metric_execution.h"

#include <algorithm>

#include "query/range_aggregation.h"
#include "query/step_operators.h"

namespace cordwood::query {

namespace {

StepVector constant_vector(double value, const StepGrid& grid) {
  StepSeries series;
  for (uint32_t step = 0; step < grid.count; ++step) series.points.push_back({step, value});
  return {std::move(series)};
}

/// Whether a sum may group its rows before the range aggregation already.
bool can_group_early(VectorOp outer, RangeOp inner) {
  if (outer != VectorOp::sum) return false;
  return inner == RangeOp::count || inner == RangeOp::rate || inner == RangeOp::bytes || inner == RangeOp::bytes_rate ||
         inner == RangeOp::sum;
}

/// Whether every series is a group of its own.
bool is_grouped(const StepVector& vector, const Grouping& grouping) {
  return std::all_of(vector.begin(), vector.end(), [&grouping](const StepSeries& series) {
    return std::all_of(series.labels.begin(), series.labels.end(), [&grouping](const auto& label) {
      const auto& names = grouping.labels;
      return (std::find(names.begin(), names.end(), label.first) == names.end()) == grouping.without;
    });
  });
}

class Evaluator {
 public:
  Evaluator(const QueryScope& scope, const StepGrid& grid) : scope_(scope), grid_(grid) {}

  Result<StepValue> operator()(const LogQuery&) { return Error::invalid("a log query has no value"); }
  Result<StepValue> operator()(const NumberExpr& expr) { return StepValue(expr.value); }
  Result<StepValue> operator()(const VectorExpr& expr) { return StepValue(constant_vector(expr.value, grid_)); }
  Result<StepValue> operator()(const RangeAggregation& expr) {
    TRY_ASSIGN(StepVector vector, run_range_aggregation(scope_, expr, nullptr, grid_, nullptr));
    return StepValue(std::move(vector));
  }

  Result<StepValue> operator()(const VectorAggregation& expr) {
    TRY_ASSIGN(StepVector vector, aggregate(expr, nullptr));
    return StepValue(std::move(vector));
  }

  Result<StepValue> operator()(const BinaryExpr& expr) {
    TRY_ASSIGN(StepValue left, std::visit(*this, expr.left->node));
    TRY_ASSIGN(StepValue right, std::visit(*this, expr.right->node));
    const double* left_number = std::get_if<double>(&left);
    const double* right_number = std::get_if<double>(&right);
    if (left_number != nullptr && right_number != nullptr) {
      return StepValue(combine_literals(expr, *left_number, *right_number));
    }
    if (left_number != nullptr) {
      return StepValue(combine_with_literal(expr, std::get<StepVector>(std::move(right)), *left_number, true));
    }
    if (right_number != nullptr) {
      return StepValue(combine_with_literal(expr, std::get<StepVector>(std::move(left)), *right_number, false));
    }
    TRY_ASSIGN(StepVector out, combine_vectors(expr, std::get<StepVector>(left), std::get<StepVector>(right), grid_));
    return StepValue(std::move(out));
  }

  Result<StepValue> operator()(const LabelReplace& expr) {
    TRY_ASSIGN(StepVector input, vector_of(*expr.inner, nullptr));
    TRY_ASSIGN(StepVector out, replace_label(expr, std::move(input)));
    return StepValue(std::move(out));
  }

 private:
  Result<void> check_approximate() const {
    const auto& sharded = scope_.context->limits.shard_aggregations;
    if (std::find(sharded.begin(), sharded.end(), "approx_topk") == sharded.end()) {
      return Error::io("approx_topk is not enabled. See -limits.shard_aggregations");
    }
    if (grid_.count > 1) return Error::io("count min sketches are only supported on instant queries");
    return {};
  }

  /// The value of an aggregation.  `wanted`: of its series no others are needed; null: all are.
  Result<StepVector> aggregate(const VectorAggregation& expr, const Extremes* wanted) {
    if (expr.op == VectorOp::approx_topk) TRY(check_approximate());
    const auto* range = std::get_if<RangeAggregation>(&expr.inner->node);
    if (range != nullptr && !range->grouping && can_group_early(expr.op, range->op)) {
      const Grouping grouping = expr.grouping.value_or(Grouping{});
      TRY_ASSIGN(StepVector input, run_range_aggregation(scope_, *range, &grouping, grid_, wanted));
      if (is_grouped(input, grouping)) return input;
      return aggregate_vector(expr, std::move(input), grid_);
    }
    const std::optional<Extremes> own = grid_.count == 1 && !expr.grouping ? extremes_of(expr) : std::nullopt;
    TRY_ASSIGN(StepVector input, vector_of(*expr.inner, own ? &*own : nullptr));
    return aggregate_vector(expr, std::move(input), grid_);
  }

  Result<StepVector> vector_of(const Expr& expr, const Extremes* wanted) {
    if (const auto* range = std::get_if<RangeAggregation>(&expr.node)) {
      return run_range_aggregation(scope_, *range, nullptr, grid_, wanted);
    }
    if (const auto* inner = std::get_if<VectorAggregation>(&expr.node)) return aggregate(*inner, wanted);
    TRY_ASSIGN(StepValue value, std::visit(*this, expr.node));
    if (const double* number = std::get_if<double>(&value)) return constant_vector(*number, grid_);
    return std::get<StepVector>(std::move(value));
  }

  const QueryScope& scope_;
  const StepGrid& grid_;
};

}  // namespace

Result<StepValue> run_metric_query(const QueryScope& scope, const Expr& expr, const StepGrid& grid) {
  Evaluator evaluator(scope, grid);
  return std::visit(evaluator, expr.node);
}

bool has_sort(const Expr& expr) {
  if (const auto* vector = std::get_if<VectorAggregation>(&expr.node)) {
    return vector->op == VectorOp::sort || vector->op == VectorOp::sort_desc || has_sort(*vector->inner);
  }
  if (const auto* binary = std::get_if<BinaryExpr>(&expr.node))
    return has_sort(*binary->left) || has_sort(*binary->right);
  if (const auto* replace = std::get_if<LabelReplace>(&expr.node)) return has_sort(*replace->inner);
  return false;
}

}  // namespace cordwood::query
