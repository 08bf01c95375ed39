// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/metric_answer.h"

#include <algorithm>
#include <cstdlib>

namespace cordwood::query::reference {

namespace {

using Value = std::variant<double, InstantVector>;

/// A sum gives its grouping to what it sums up.
bool takes_grouping_of_sum(const RangeAggregation& range) {
  switch (range.op) {
    case RangeOp::count:
    case RangeOp::rate:
    case RangeOp::bytes:
    case RangeOp::bytes_rate:
    case RangeOp::sum: return true;
    default: return false;
  }
}

class Evaluator {
 public:
  Evaluator(const std::vector<Entry>& entries, Trouble* trouble) : entries_(entries), trouble_(trouble) {}

  Value at(const Expr& expr, int64_t time_ns) {
    time_ns_ = time_ns;
    return evaluate(expr);
  }

  Value operator()(const LogQuery&) { std::abort(); }
  Value operator()(const NumberExpr& expr) { return expr.value; }
  Value operator()(const VectorExpr& expr) { return InstantVector{{{}, expr.value}}; }
  Value operator()(const RangeAggregation& expr) { return samples(expr, nullptr); }
  Value operator()(const VectorAggregation& expr) {
    const auto* range = std::get_if<RangeAggregation>(&expr.inner->node);
    if (expr.op != VectorOp::sum || range == nullptr || !takes_grouping_of_sum(*range)) {
      return reference::aggregate(expr, vector_of(*expr.inner), trouble_);
    }
    const Grouping grouping = expr.grouping.value_or(Grouping{});
    Trouble trouble = Trouble::none;
    const InstantVector input = samples(*range, &grouping, &trouble);
    // What the sum does not need may be left unparsed, errors with it.
    note(trouble == Trouble::pipeline_error ? Trouble::ambiguous : trouble, trouble_);
    return reference::aggregate(expr, input, trouble_);
  }
  Value operator()(const BinaryExpr& expr) {
    const Value left = evaluate(*expr.left), right = evaluate(*expr.right);
    const double* left_number = std::get_if<double>(&left);
    const double* right_number = std::get_if<double>(&right);
    if (left_number != nullptr && right_number != nullptr) return combine(expr.op, *left_number, *right_number);
    if (left_number != nullptr)
      return combine_literal(expr, std::get<InstantVector>(right), *left_number, true, trouble_);
    if (right_number != nullptr)
      return combine_literal(expr, std::get<InstantVector>(left), *right_number, false, trouble_);
    Trouble trouble = Trouble::none;
    Value out = combine_vectors(expr, std::get<InstantVector>(left), std::get<InstantVector>(right), &trouble);
    note(trouble, trouble_);
    return out;
  }
  Value operator()(const LabelReplace& expr) {
    return reference::replace_label(expr, vector_of(*expr.inner), trouble_);
  }

  InstantVector vector_of(const Expr& expr) { return as_vector(evaluate(expr)); }
  static InstantVector as_vector(const Value& value) {
    if (const double* number = std::get_if<double>(&value)) return {{{}, *number}};
    return std::get<InstantVector>(value);
  }

 private:
  Value evaluate(const Expr& expr) { return std::visit(*this, expr.node); }
  InstantVector samples(const RangeAggregation& expr, const Grouping* outer, Trouble* trouble = nullptr) {
    auto& known = samples_[&expr];
    if (known == nullptr) known = std::make_unique<RangeSamples>(expr, outer, entries_);
    Trouble found = Trouble::none;
    InstantVector out = known->at(time_ns_, &found);
    note(found, trouble != nullptr ? trouble : trouble_);
    return out;
  }

  const std::vector<Entry>& entries_;
  Trouble* trouble_;
  int64_t time_ns_ = 0;
  std::map<const RangeAggregation*, std::unique_ptr<RangeSamples>> samples_;
};

}  // namespace

MetricAnswer answer_metric(const Expr& expr, const std::vector<int64_t>& times_ns, const std::vector<Entry>& entries) {
  MetricAnswer out;
  Evaluator evaluator(entries, &out.trouble);
  for (const int64_t time_ns : times_ns) {
    const Value value = evaluator.at(expr, time_ns);
    for (const auto& [labels, number] : Evaluator::as_vector(value)) out.series[labels].emplace_back(time_ns, number);
  }
  return out;
}

std::vector<int64_t> step_times(int64_t start_ns, int64_t end_ns, int64_t step_ns) {
  const int64_t first_ns = start_ns / step_ns * step_ns;
  const int64_t last_ns = (end_ns + step_ns - 1) / step_ns * step_ns;
  std::vector<int64_t> out;
  for (int64_t time_ns = first_ns; time_ns <= last_ns; time_ns += step_ns) out.push_back(time_ns);
  return out;
}

}  // namespace cordwood::query::reference
