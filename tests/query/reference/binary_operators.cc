// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdlib>

#include "tests/query/reference/vector_operators.h"

namespace cordwood::query::reference {

namespace {

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
      if (!out.emplace(labels, value).second) *trouble = Trouble::ambiguous;
    }
    return out;
  }
  const bool wanted = expr.op == BinaryOp::set_and;
  std::erase_if(out, [&](const auto& item) { return on_right.contains(signature(expr, item.first)) != wanted; });
  return out;
}

/// The value of a pair, or none when it does not pass a comparison.
std::optional<double> pair_value(const BinaryExpr& expr, double left, double right) {
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

InstantVector combine_literal(const BinaryExpr& expr, const InstantVector& vector, double literal,
                              bool literal_is_left) {
  InstantVector out;
  for (const auto& [labels, value] : vector) {
    const double left = literal_is_left ? literal : value, right = literal_is_left ? value : literal;
    const auto result = pair_value(expr, left, right);
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
    if (!by_signature.emplace(signature(expr, labels), std::pair(labels, value)).second) *trouble = Trouble::matching;
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
    if (!taken.insert(result).second) *trouble = Trouble::matching;
    const double other = match->second.second;
    const auto pair = pair_value(expr, many_left ? value : other, many_left ? other : value);
    if (pair) out[result] = *pair;
  }
  return out;
}

}  // namespace cordwood::query::reference
