// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "query/logql_fold.h"
#include "query/step_operators.h"

namespace cordwood::query {

namespace {

/// Series of both sides that have equal matching labels.
struct MatchGroup {
  std::vector<uint32_t> left, right;
};

struct Matched {
  std::vector<MatchGroup> groups;
  std::vector<uint32_t> group_of_left, group_of_right;
};

Matched match(const BinaryExpr& expr, const StepVector& left, const StepVector& right) {
  Matched out;
  std::unordered_map<std::string, uint32_t> index;
  const auto group_of = [&](const StepSeries& series) {
    const std::string key = label_key(group_labels(series.labels, expr.matching, !expr.on));
    const auto [at, added] = index.try_emplace(key, static_cast<uint32_t>(out.groups.size()));
    if (added) out.groups.emplace_back();
    return at->second;
  };
  for (uint32_t i = 0; i < left.size(); ++i) {
    out.group_of_left.push_back(group_of(left[i]));
    out.groups[out.group_of_left.back()].left.push_back(i);
  }
  for (uint32_t i = 0; i < right.size(); ++i) {
    out.group_of_right.push_back(group_of(right[i]));
    out.groups[out.group_of_right.back()].right.push_back(i);
  }
  return out;
}

/// On which steps any of the series has a point.
std::vector<bool> steps_present(const StepVector& vector, const std::vector<uint32_t>& members, const StepGrid& grid) {
  std::vector<bool> present(grid.count);
  for (const uint32_t member : members) {
    for (const StepPoint& point : vector[member].points) present[point.step] = true;
  }
  return present;
}

/// `and` and `unless`: left points where the right side has, or has not, a match.
StepVector keep_where(const StepVector& left, const StepVector& right, const Matched& matched, const StepGrid& grid,
                      bool present_stays) {
  StepVector out;
  std::vector<std::vector<bool>> present(matched.groups.size());
  for (uint32_t i = 0; i < left.size(); ++i) {
    const uint32_t group = matched.group_of_left[i];
    if (present[group].empty()) present[group] = steps_present(right, matched.groups[group].right, grid);
    StepSeries series;
    for (const StepPoint& point : left[i].points) {
      if (present[group][point.step] == present_stays) series.points.push_back(point);
    }
    if (series.points.empty()) continue;
    series.labels = left[i].labels;
    out.push_back(std::move(series));
  }
  return out;
}

StepVector unite(const StepVector& left, const StepVector& right, const Matched& matched, const StepGrid& grid) {
  StepVector out = left;
  std::unordered_map<std::string, size_t> index;
  for (size_t i = 0; i < out.size(); ++i) index.emplace(label_key(out[i].labels), i);
  for (uint32_t i = 0; i < right.size(); ++i) {
    const std::vector<bool> present = steps_present(left, matched.groups[matched.group_of_right[i]].left, grid);
    StepSeries series;
    for (const StepPoint& point : right[i].points) {
      if (!present[point.step]) series.points.push_back(point);
    }
    if (series.points.empty()) continue;
    const auto known = index.find(label_key(right[i].labels));
    if (known == index.end()) {
      series.labels = right[i].labels;
      out.push_back(std::move(series));
      continue;
    }
    auto& points = out[known->second].points;
    points.insert(points.end(), series.points.begin(), series.points.end());
    std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
  }
  return out;
}

/// Labels of a pair's result: those of the many side, cut to the matching labels when both sides are single.
LabelPairs result_labels(const BinaryExpr& expr, const LabelPairs& many, const LabelPairs& one) {
  LabelPairs out = expr.cardinality == Cardinality::one_to_one ? group_labels(many, expr.matching, !expr.on) : many;
  for (const std::string& name : expr.include) {
    std::erase_if(out, [&](const auto& label) { return label.first == name; });
    const auto value = std::find_if(one.begin(), one.end(), [&](const auto& label) { return label.first == name; });
    if (value == one.end() || value->second.empty()) continue;
    out.insert(std::upper_bound(out.begin(), out.end(), *value), *value);
  }
  return out;
}

/// Arithmetic and comparison between series.  The "one" side has a single series for each match on each step.
class PairJoin {
 public:
  PairJoin(const BinaryExpr& expr, const StepGrid& grid) : expr_(expr), grid_(grid) {}

  Result<void> join(const StepVector& many, const StepVector& one, const std::vector<uint32_t>& many_members,
                    const std::vector<uint32_t>& one_members, bool many_is_left) {
    // The series of the one side on each step; its value beside it.
    std::vector<int64_t> owner(grid_.count, -1);
    std::vector<double> value(grid_.count);
    for (const uint32_t member : one_members) {
      for (const StepPoint& point : one[member].points) {
        if (owner[point.step] >= 0) return duplicates(many_is_left ? "right" : "left");
        owner[point.step] = member;
        value[point.step] = point.value;
      }
    }
    std::vector<std::unordered_set<std::string>> taken(grid_.count);
    for (const uint32_t member : many_members) {
      for (const StepPoint& point : many[member].points) {
        if (owner[point.step] < 0) continue;
        const LabelPairs& one_labels = one[static_cast<size_t>(owner[point.step])].labels;
        LabelPairs labels = result_labels(expr_, many[member].labels, one_labels);
        std::string key = label_key(labels);
        auto& keys = taken[point.step];
        if (expr_.cardinality == Cardinality::one_to_one) {
          if (!keys.empty()) {
            return Error::io(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
          }
          keys.insert(key);
        } else if (!keys.insert(key).second) {
          return Error::io("multiple matches for labels: grouping labels must ensure unique matches");
        }
        const double left = many_is_left ? point.value : value[point.step];
        const double right = many_is_left ? value[point.step] : point.value;
        add(std::move(key), std::move(labels), point.step, left, right);
      }
    }
    return {};
  }

  StepVector finish() && {
    for (StepSeries& series : out_) {
      std::stable_sort(series.points.begin(), series.points.end(),
                       [](const auto& a, const auto& b) { return a.step < b.step; });
    }
    std::erase_if(out_, [](const StepSeries& series) { return series.points.empty(); });
    return std::move(out_);
  }

 private:
  static Error duplicates(std::string_view side) {
    return Error::io("found duplicate series on the " + std::string(side) +
                     " hand-side;many-to-many matching not allowed: matching labels must be unique on one side");
  }

  void add(std::string key, LabelPairs labels, uint32_t step, double left, double right) {
    double value = apply_binary(expr_.op, left, right);
    if (is_comparison(expr_.op) && !expr_.return_bool) {
      if (value == 0) return;
      value = left;
    }
    const auto [at, added] = index_.try_emplace(std::move(key), out_.size());
    if (added) out_.push_back({std::move(labels), {}});
    out_[at->second].points.push_back({step, value});
  }

  const BinaryExpr& expr_;
  const StepGrid& grid_;
  StepVector out_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace

double combine_literals(const BinaryExpr& expr, double left, double right) {
  return apply_binary(expr.op, left, right);
}

StepVector combine_with_literal(const BinaryExpr& expr, StepVector vector, double literal, bool literal_is_left) {
  for (StepSeries& series : vector) {
    std::vector<StepPoint> points;
    for (const StepPoint& point : series.points) {
      const double value =
          literal_is_left ? apply_binary(expr.op, literal, point.value) : apply_binary(expr.op, point.value, literal);
      if (!is_comparison(expr.op) || expr.return_bool) {
        points.push_back({point.step, value});
      } else if (value != 0) {
        points.push_back(point);
      }
    }
    series.points = std::move(points);
  }
  std::erase_if(vector, [](const StepSeries& series) { return series.points.empty(); });
  return vector;
}

Result<StepVector> combine_vectors(const BinaryExpr& expr, const StepVector& left, const StepVector& right,
                                   const StepGrid& grid) {
  const Matched matched = match(expr, left, right);
  if (expr.op == BinaryOp::set_and) return keep_where(left, right, matched, grid, true);
  if (expr.op == BinaryOp::set_unless) return keep_where(left, right, matched, grid, false);
  if (expr.op == BinaryOp::set_or) return unite(left, right, matched, grid);
  PairJoin join(expr, grid);
  const bool many_is_left = expr.cardinality != Cardinality::one_to_many;
  for (const MatchGroup& group : matched.groups) {
    if (many_is_left) {
      TRY(join.join(left, right, group.left, group.right, true));
    } else {
      TRY(join.join(right, left, group.right, group.left, false));
    }
  }
  return std::move(join).finish();
}

}  // namespace cordwood::query
