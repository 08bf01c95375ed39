// SPDX-License-Identifier: Apache-2.0
#include "query/range_aggregation.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "query/pipeline.h"
#include "query/range_scan.h"

namespace cordwood::query {

namespace {

/// Which labels the samples keep.
LabelDemand label_demand(const RangeAggregation& aggregation, const Grouping* outer) {
  LabelDemand demand;
  demand.metric = true;
  const Grouping* grouping = aggregation.grouping ? &*aggregation.grouping : outer;
  if (grouping != nullptr) {
    demand.groups = grouping->labels;
    demand.without = grouping->without;
    demand.no_labels = grouping->labels.empty() && !grouping->without;
  }
  if (aggregation.op == RangeOp::absent) demand.no_labels = true;
  if (aggregation.range.unwrap) {
    demand.unwrap_name = aggregation.range.unwrap->name;
    if (demand.groups.empty() || demand.without) {
      demand.without = true;
      demand.groups.push_back(demand.unwrap_name);
    }
  }
  return demand;
}

bool is_rate(RangeOp op) {
  return op == RangeOp::rate || op == RangeOp::bytes_rate;
}

const std::string* find_label(const LabelPairs& labels, std::string_view name) {
  for (const auto& label : labels) {
    if (label.first == name) return &label.second;
  }
  return nullptr;
}

/// A sample that carries an error fails the query, unless the query asked to keep such series.
Result<void> check_errors(const StepVector& vector) {
  for (const StepSeries& series : vector) {
    const std::string* error = find_label(series.labels, kErrorLabel);
    if (error == nullptr || find_label(series.labels, kPreserveErrorLabel) != nullptr) continue;
    std::string labels = "{";
    for (const auto& [name, value] : series.labels) {
      if (labels.size() > 1) labels += ", ";
      labels += name;
      labels += '=';
      append_go_quoted(value, &labels);
    }
    labels += '}';
    return Error::invalid(
        fmt::format("pipeline error: '{0}' for series: '{1}'.\n"
                    "Use a label filter to intentionally skip this error. (e.g | __error__!=\"{0}\").\n"
                    "To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n"
                    "The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n",
                    *error, labels));
  }
  return {};
}

/// Labels of absent_over_time: those of `=` matchers, unless another matcher names the label too.
LabelPairs absent_labels(const std::vector<Matcher>& matchers) {
  std::map<std::string, std::string> labels;
  for (const Matcher& matcher : matchers) {
    const auto same = std::count_if(matchers.begin(), matchers.end(),
                                    [&](const Matcher& other) { return other.name() == matcher.name(); });
    if (same == 1 && matcher.op() == MatchOp::equal && !matcher.value().empty()) {
      labels[matcher.name()] = matcher.value();
    }
  }
  return {labels.begin(), labels.end()};
}

StepVector absent(const StepVector& vector, const std::vector<Matcher>& matchers, const StepGrid& grid) {
  std::vector<bool> present(grid.count);
  for (const StepSeries& series : vector) {
    for (const StepPoint& point : series.points) present[point.step] = true;
  }
  StepSeries out;
  out.labels = absent_labels(matchers);
  for (uint32_t step = 0; step < grid.count; ++step) {
    if (!present[step]) out.points.push_back({step, 1});
  }
  StepVector result;
  if (!out.points.empty()) result.push_back(std::move(out));
  return result;
}

}  // namespace

Result<StepVector> run_range_aggregation(const QueryScope& scope, const RangeAggregation& aggregation,
                                         const Grouping* outer, const StepGrid& grid) {
  const LogRange& range = aggregation.range;
  const LabelDemand demand = label_demand(aggregation, outer);
  const bool sees_line = aggregation.op == RangeOp::bytes || aggregation.op == RangeOp::bytes_rate;
  const std::vector<Stage> stages = sees_line ? range.query.stages : without_unseen_line_formats(range.query.stages);
  const std::vector<LabelFilterPtr> extra = range.unwrap ? range.unwrap->filters : std::vector<LabelFilterPtr>();
  const WindowGrid windows(grid, range.range_ns, range.offset_ns);
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(scope, windows.covered(), range.query));
  StepVector vector;
  if (!plan.blocks.empty()) {
    // Stages that cannot be built are an error only where there are lines for them.
    TRY_ASSIGN(const auto pipeline, Pipeline::make(stages, demand, scope.environment->rows_one_by_one, extra));
    RangeScan scan(scope, aggregation, demand, windows, pipeline.get(), stages);
    TRY(scan.run(plan));
    TRY_ASSIGN(vector, scan.finish());
  }
  TRY(check_errors(vector));
  if (aggregation.op == RangeOp::absent) return absent(vector, range.query.matchers, grid);
  if (is_rate(aggregation.op)) {
    const double seconds = static_cast<double>(range.range_ns) / 1e9;
    for (StepSeries& series : vector) {
      for (StepPoint& point : series.points) point.value /= seconds;
    }
  }
  return vector;
}

}  // namespace cordwood::query
