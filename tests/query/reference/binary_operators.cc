// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/query/reference/vector_operators.h"

namespace cordwood::query::reference {

namespace {

/// Whether sums in another order would be the same.
bool is_exact(double value) {
  return std::abs(value) < 1e9 && value * 65536 == std::floor(value * 65536);
}

/// Whether a value of it may look exact here and have other last bits elsewhere: 0.25, or 0.25000000000000006.
struct Rounds {
  bool operator()(const RangeAggregation& aggregation) const {
    switch (aggregation.op) {
      case RangeOp::rate:
      case RangeOp::bytes_rate:
      case RangeOp::avg:
      case RangeOp::stddev:
      case RangeOp::stdvar:
      case RangeOp::quantile: return true;
      default: return false;
    }
  }
  bool operator()(const VectorAggregation& aggregation) const {
    const VectorOp op = aggregation.op;
    return op == VectorOp::avg || op == VectorOp::stddev || op == VectorOp::stdvar || inside(aggregation.inner);
  }
  bool operator()(const BinaryExpr& expr) const {
    return expr.op == BinaryOp::div || expr.op == BinaryOp::pow || inside(expr.left) || inside(expr.right);
  }
  bool operator()(const LabelReplace& replace) const { return inside(replace.inner); }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
  static bool inside(const ExprPtr& expr) { return std::visit(Rounds(), expr->node); }
};

/// Whether the last bits of the operands decide what comes out.
bool is_delicate(const BinaryExpr& expr, double left, double right) {
  const BinaryOp op = expr.op;
  if (is_exact(left) && is_exact(right) && !Rounds::inside(expr.left) && !Rounds::inside(expr.right)) return false;
  if (is_comparison(op)) return std::abs(left - right) <= 1e-9 * std::max({std::abs(left), std::abs(right), 1e-3});
  if (op == BinaryOp::div) return std::abs(right) < 1e-9;
  if (op != BinaryOp::mod) return false;
  const double quotient = left / right;
  return std::abs(right) < 1e-6 || std::abs(quotient - std::round(quotient)) < 1e-6 * std::max(1.0, std::abs(quotient));
}

LabelMap signature(const BinaryExpr& expr, const LabelMap& labels) {
  return grouped(labels, expr.matching, !expr.on);
}

InstantVector combine_sets(const BinaryExpr& expr, const InstantVector& left, const InstantVector& right,
                           Trouble* trouble) {
  std::set<LabelMap> on_left, on_right;
  for (const auto& [labels, unused] : left) on_left.insert(signature(expr, labels));
  for (const auto& [labels, unused] : right) on_right.insert(signature(expr, labels));
  InstantVector out = left;
  if (expr.op == BinaryOp::set_or) {
    for (const auto& [labels, value] : right) {
      if (on_left.contains(signature(expr, labels))) continue;
      if (!out.emplace(labels, value).second) note(Trouble::ambiguous, trouble);
    }
    return out;
  }
  const bool wanted = expr.op == BinaryOp::set_and;
  std::erase_if(out, [&](const auto& item) { return on_right.contains(signature(expr, item.first)) != wanted; });
  return out;
}

/// The value of a pair, or none when it does not pass a comparison.
std::optional<double> pair_value(const BinaryExpr& expr, double left, double right, Trouble* trouble) {
  if (is_delicate(expr, left, right)) note(Trouble::ambiguous, trouble);
  if (!is_comparison(expr.op)) return combine(expr.op, left, right);
  const bool passes = holds(expr.op, left, right);
  if (expr.return_bool) return passes ? 1 : 0;
  return passes ? std::optional(left) : std::nullopt;
}

}  // namespace

bool holds(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::equal: return left == right;
    case BinaryOp::not_equal: return left != right;
    case BinaryOp::less: return left < right;
    case BinaryOp::less_equal: return left <= right;
    case BinaryOp::greater: return left > right;
    case BinaryOp::greater_equal: return left >= right;
    default: std::abort();
  }
}

double combine(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::add: return left + right;
    case BinaryOp::sub: return left - right;
    case BinaryOp::mul: return left * right;
    case BinaryOp::div: return right == 0 ? NAN : left / right;
    case BinaryOp::mod: return right == 0 ? NAN : std::fmod(left, right);
    case BinaryOp::pow: return std::pow(left, right);
    default: return holds(op, left, right) ? 1 : 0;
  }
}

InstantVector combine_literal(const BinaryExpr& expr, const InstantVector& vector, double literal, bool literal_is_left,
                              Trouble* trouble) {
  InstantVector out;
  for (const auto& [labels, value] : vector) {
    const double left = literal_is_left ? literal : value, right = literal_is_left ? value : literal;
    const auto result = pair_value(expr, left, right, trouble);
    if (!result) continue;
    out[labels] = is_comparison(expr.op) && !expr.return_bool ? value : *result;
  }
  return out;
}

InstantVector combine_vectors(const BinaryExpr& expr, const InstantVector& left, const InstantVector& right,
                              Trouble* trouble) {
  if (is_set_op(expr.op)) return combine_sets(expr, left, right, trouble);
  const bool many_left = expr.cardinality != Cardinality::one_to_many;
  const InstantVector &many = many_left ? left : right, &one = many_left ? right : left;
  std::map<LabelMap, std::pair<LabelMap, double>> by_signature;
  for (const auto& [labels, value] : one) {
    if (!by_signature.emplace(signature(expr, labels), std::pair(labels, value)).second)
      note(Trouble::matching, trouble);
  }
  InstantVector out;
  std::set<LabelMap> taken;
  for (const auto& [labels, value] : many) {
    const auto match = by_signature.find(signature(expr, labels));
    if (match == by_signature.end()) continue;
    LabelMap result = labels;
    if (expr.cardinality == Cardinality::one_to_one) result = match->first;
    for (const std::string& name : expr.include) {
      result.erase(name);
      const auto from = match->second.first.find(name);
      if (from != match->second.first.end() && !from->second.empty()) result.insert(*from);
    }
    if (!taken.insert(result).second) note(Trouble::matching, trouble);
    const double other = match->second.second;
    const auto pair = pair_value(expr, many_left ? value : other, many_left ? other : value, trouble);
    if (pair) out[result] = *pair;
  }
  return out;
}

}  // namespace cordwood::query::reference
