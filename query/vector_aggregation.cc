// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "query/step_operators.h"
#include "query/window_state.h"

namespace cordwood::query {

namespace {

struct Group {
  LabelPairs labels;
  std::vector<uint32_t> members;  ///< series of the input, in order
};

std::vector<Group> make_groups(const VectorAggregation& aggregation, const StepVector& input) {
  const Grouping grouping = aggregation.grouping.value_or(Grouping{});
  std::vector<Group> groups;
  std::unordered_map<std::string, size_t> index;
  for (uint32_t i = 0; i < input.size(); ++i) {
    LabelPairs labels = group_labels(input[i].labels, grouping.labels, grouping.without);
    const auto [at, added] = index.try_emplace(label_key(labels), groups.size());
    if (added) groups.push_back({std::move(labels), {}});
    groups[at->second].members.push_back(i);
  }
  return groups;
}

struct CountState {
  double count = 0;
  void add(int64_t, double) { ++count; }
  double result() const { return count; }
};

/// One state per step.
template <typename State>
StepSeries fold(const Group& group, const StepVector& input, const StepGrid& grid) {
  if (group.members.size() == 1) {
    StepSeries out{group.labels, input[group.members[0]].points};
    for (StepPoint& point : out.points) {
      State state;
      state.add(0, point.value);
      point.value = state.result();
    }
    return out;
  }
  std::vector<State> states(grid.count);
  std::vector<bool> present(grid.count);
  for (const uint32_t member : group.members) {
    for (const StepPoint& point : input[member].points) {
      states[point.step].add(0, point.value);
      present[point.step] = true;
    }
  }
  StepSeries out;
  out.labels = group.labels;
  for (uint32_t step = 0; step < grid.count; ++step) {
    if (present[step]) out.points.push_back({step, states[step].result()});
  }
  return out;
}

template <typename State>
StepVector fold_all(const std::vector<Group>& groups, const StepVector& input, const StepGrid& grid) {
  StepVector out;
  for (const Group& group : groups) out.push_back(fold<State>(group, input, grid));
  return out;
}

/// Keeps the k largest (or smallest) of each group on each step, with their own labels.
StepVector select_extremes(const std::vector<Group>& groups, const StepVector& input, const StepGrid& grid,
                           const Extremes& extremes) {
  StepVector picked(input.size());
  std::vector<std::vector<Extremes::Candidate>> steps(grid.count);
  std::vector<uint32_t> order;  // series in the order of their rank on the first step they appear
  for (const Group& group : groups) {
    for (auto& step : steps) step.clear();
    for (const uint32_t member : group.members) {
      for (const StepPoint& point : input[member].points) steps[point.step].push_back({point.value, member});
    }
    for (uint32_t step = 0; step < grid.count; ++step) {
      auto& candidates = steps[step];
      extremes.select(&candidates);
      for (size_t i = 0; i < candidates.size(); ++i) {
        StepSeries& series = picked[candidates[i].series];
        if (series.points.empty()) order.push_back(candidates[i].series);
        series.points.push_back({step, candidates[i].value});
      }
    }
  }
  StepVector out;
  for (const uint32_t series : order) {
    picked[series].labels = input[series].labels;
    out.push_back(std::move(picked[series]));
  }
  return out;
}

/// Orders series by their first value; only an instant answer shows it.
void sort_by_value(StepVector* vector, bool descending) {
  const auto value = [](const StepSeries& series) { return series.points.empty() ? NAN : series.points[0].value; };
  std::stable_sort(vector->begin(), vector->end(), [&](const StepSeries& a, const StepSeries& b) {
    const double x = value(a), y = value(b);
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return descending ? x > y : x < y;
  });
}

}  // namespace

void Extremes::select(std::vector<Candidate>* candidates) const {
  const auto better = [this](const Candidate& a, const Candidate& b) {
    if (std::isnan(a.value) != std::isnan(b.value)) return std::isnan(b.value);
    if (a.value != b.value && !std::isnan(a.value)) return largest ? a.value > b.value : a.value < b.value;
    return a.series < b.series;
  };
  const size_t keep = std::min<size_t>(candidates->size(), static_cast<size_t>(k));
  std::partial_sort(candidates->begin(), candidates->begin() + static_cast<std::ptrdiff_t>(keep), candidates->end(),
                    better);
  candidates->resize(keep);
}

std::optional<Extremes> extremes_of(const VectorAggregation& aggregation) {
  switch (aggregation.op) {
    case VectorOp::topk:
    case VectorOp::approx_topk: return Extremes{aggregation.parameter, true};
    case VectorOp::bottomk: return Extremes{aggregation.parameter, false};
    default: return std::nullopt;
  }
}

LabelPairs group_labels(const LabelPairs& labels, const std::vector<std::string>& names, bool without) {
  LabelPairs out;
  for (const auto& label : labels) {
    const bool named = std::find(names.begin(), names.end(), label.first) != names.end();
    if (named != without) out.push_back(label);
  }
  return out;
}

StepVector aggregate_vector(const VectorAggregation& aggregation, StepVector input, const StepGrid& grid) {
  if (aggregation.op == VectorOp::sort || aggregation.op == VectorOp::sort_desc) {
    sort_by_value(&input, aggregation.op == VectorOp::sort_desc);
    return input;
  }
  const std::vector<Group> groups = make_groups(aggregation, input);
  switch (aggregation.op) {
    case VectorOp::sum: return fold_all<SumState>(groups, input, grid);
    case VectorOp::avg: return fold_all<AvgState>(groups, input, grid);
    case VectorOp::max: return fold_all<MaxState>(groups, input, grid);
    case VectorOp::min: return fold_all<MinState>(groups, input, grid);
    case VectorOp::count: return fold_all<CountState>(groups, input, grid);
    case VectorOp::stddev: return fold_all<StandardDeviationState>(groups, input, grid);
    case VectorOp::stdvar: return fold_all<VarianceState>(groups, input, grid);
    case VectorOp::bottomk:
    case VectorOp::topk:
    case VectorOp::approx_topk: return select_extremes(groups, input, grid, *extremes_of(aggregation));
    case VectorOp::sort:
    case VectorOp::sort_desc: break;
  }
  return input;
}

}  // namespace cordwood::query
