// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/query/reference/vector_operators.h"

namespace cordwood::query::reference {

namespace {

using Group = std::vector<std::pair<LabelMap, double>>;

double fold(VectorOp op, const Group& group) {
  const auto n = static_cast<double>(group.size());
  double sum = 0, squares = 0, least = group[0].second, greatest = group[0].second;
  for (const auto& [unused, value] : group) {
    sum += value;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  for (const auto& [unused, value] : group) squares += (value - sum / n) * (value - sum / n);
  switch (op) {
    case VectorOp::sum: return sum;
    case VectorOp::avg: return sum / n;
    case VectorOp::min: return least;
    case VectorOp::max: return greatest;
    case VectorOp::count: return n;
    case VectorOp::stdvar: return squares / n;
    case VectorOp::stddev: return std::sqrt(squares / n);
    default: std::abort();
  }
}

void select(const VectorAggregation& expr, Group group, InstantVector* out, Trouble* trouble) {
  const bool largest = expr.op == VectorOp::topk;
  std::sort(group.begin(), group.end(),
            [&](const auto& a, const auto& b) { return largest ? a.second > b.second : a.second < b.second; });
  const auto k = static_cast<size_t>(expr.parameter);
  const auto close = [](double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); };
  if (group.size() > k && close(group[k - 1].second, group[k].second)) note(Trouble::ambiguous, trouble);
  if (group.size() > k) group.erase(group.begin() + static_cast<std::ptrdiff_t>(k), group.end());
  out->insert(group.begin(), group.end());
}

}  // namespace

LabelMap grouped(const LabelMap& labels, const std::vector<std::string>& names, bool without) {
  LabelMap out = labels;
  std::erase_if(out, [&](const auto& label) {
    return (std::find(names.begin(), names.end(), label.first) != names.end()) == without;
  });
  return out;
}

InstantVector aggregate(const VectorAggregation& expr, const InstantVector& input, Trouble* trouble) {
  if (expr.op == VectorOp::sort || expr.op == VectorOp::sort_desc) return input;
  const Grouping grouping = expr.grouping.value_or(Grouping{});
  std::map<LabelMap, Group> groups;
  for (const auto& [labels, value] : input) {
    groups[grouped(labels, grouping.labels, grouping.without)].emplace_back(labels, value);
    if (std::isnan(value)) note(Trouble::ambiguous, trouble);  // what sorting and folding make of it is not compared
  }
  InstantVector out;
  for (const auto& [labels, group] : groups) {
    if (expr.op == VectorOp::topk || expr.op == VectorOp::bottomk) {
      select(expr, group, &out, trouble);
    } else {
      out[labels] = fold(expr.op, group);
    }
  }
  return out;
}

}  // namespace cordwood::query::reference
