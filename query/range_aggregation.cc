// SPDX-License-Identifier: Apache-2.0
#include "query/range_aggregation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "query/kept_steps.h"
#include "query/kept_sums.h"
#include "query/logql_print.h"
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

int64_t phase_ns(int64_t time_ns, int64_t step_ns) {
  return time_ns - floor_div(time_ns, step_ns) * step_ns;
}

/// All that the counts of a block depend on; with the cells that windows cut time into, or for one window without.
std::string sums_key(const QueryScope& scope, const RangeAggregation& aggregation, const LabelDemand& demand,
                     const StepGrid* cells) {
  const LogRange& range = aggregation.range;
  const std::string question = fmt::format("{} {} {} {} {}", to_string(range.query), demand.without, demand.no_labels,
                                           fmt::join(demand.groups, ","), scope.context->tenant);
  if (cells == nullptr) return question;
  return fmt::format("{} {} {} {}", question, cells->step_ns, range.range_ns,
                     phase_ns(cells->start_ns - range.offset_ns, cells->step_ns));
}

/// What the scan of the rows comes to.  `moves_on`: the grid may be asked for again, some steps on.
Result<StepVector> scan(const QueryScope& scope, const RangeAggregation& aggregation, const LabelDemand& demand,
                        const StepGrid& grid, const Extremes* wanted, bool moves_on) {
  const LogRange& range = aggregation.range;
  const bool sees_line = aggregation.op == RangeOp::bytes || aggregation.op == RangeOp::bytes_rate;
  const std::vector<Stage> stages = sees_line ? range.query.stages : without_unseen_line_formats(range.query.stages);
  const std::vector<LabelFilterPtr> extra = range.unwrap ? range.unwrap->filters : std::vector<LabelFilterPtr>();
  const WindowGrid windows(grid, range.range_ns, range.offset_ns);
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(scope, windows.covered(), range.query));
  if (!plan.has_blocks()) return StepVector();
  // Stages that cannot be built are an error only where there are lines for them.
  const auto make = [&](uint64_t rows_one_by_one) { return Pipeline::make(stages, demand, rows_one_by_one, extra); };
  TRY_ASSIGN(const auto pipeline, make(scope.environment->rows_one_by_one));
  RangeScan scan(scope, aggregation, demand, windows, pipeline.get(), stages);
  KeptSums* keeper = scope.environment->kept_sums;
  const bool counts = !range.unwrap && (aggregation.op == RangeOp::count || aggregation.op == RangeOp::rate);
  // The only step of a grid has the cells of many when it is no shorter than the range.
  const bool by_cell = moves_on && (grid.count > 1 || grid.step_ns >= range.range_ns);
  const bool keeps = keeper != nullptr && (by_cell || grid.count == 1) && counts && depends_on_rows_alone(range.query);
  const std::string question = keeps ? sums_key(scope, aggregation, demand, by_cell ? &grid : nullptr) : std::string();
  const std::shared_ptr<BlockSums> sums = keeps ? keeper->find(question) : nullptr;
  scan.keep_sums(sums, by_cell);
  TRY(scan.run(plan, [&make] { return make(0); }));
  if (sums != nullptr) keeper->finish(question, sums, scan.blocks_taken());
  return scan.finish(wanted);
}

/// All that the result on the steps of a grid depends on, but for which of them are asked for.
std::string kept_key(const QueryScope& scope, const RangeAggregation& aggregation, const Grouping* outer,
                     const StepGrid& grid) {
  const auto by = outer == nullptr ? std::optional<Grouping>() : std::optional<Grouping>(*outer);
  return fmt::format("{} {} {} {} {}{} {} {}", grid.step_ns, phase_ns(grid.start_ns, grid.step_ns),
                     to_string(aggregation.op), aggregation.parameter, to_string(aggregation.range),
                     to_string(aggregation.grouping), to_string(by), scope.context->tenant);
}

/// How many steps, from the first, are in what was kept, and would come to the same now.
uint32_t usable_steps(const QueryScope& scope, const KeptVector& kept, const StepGrid& grid, int64_t offset_ns) {
  if (grid.start_ns < kept.grid.start_ns) return 0;
  const int64_t changed_ns = scope.environment->oldest_since(scope.context->tenant, kept.version);
  const int64_t last_ns = kept.grid.time_ns(kept.grid.count - 1);
  uint32_t steps = 0;
  while (steps < grid.count && grid.time_ns(steps) <= last_ns && grid.time_ns(steps) - offset_ns < changed_ns) ++steps;
  return steps;
}

/// The points of both, by the steps of `grid`: the first `steps` of what was kept, then those of `fresh`.
StepVector join(const KeptVector& kept, const StepGrid& grid, uint32_t steps, StepVector fresh) {
  const auto first = static_cast<uint32_t>((grid.start_ns - kept.grid.start_ns) / grid.step_ns);
  StepVector out;
  std::unordered_map<std::string, size_t> by_labels;
  for (const StepSeries& series : kept.vector) {
    const auto by_step = [](const StepPoint& point, uint32_t step) { return point.step < step; };
    const auto begin = std::lower_bound(series.points.begin(), series.points.end(), first, by_step);
    const auto end = std::lower_bound(begin, series.points.end(), first + steps, by_step);
    if (begin == end) continue;
    by_labels.emplace(label_key(series.labels), out.size());
    out.push_back({series.labels, {begin, end}});
    for (StepPoint& point : out.back().points) point.step -= first;
  }
  for (StepSeries& series : fresh) {
    for (StepPoint& point : series.points) point.step += steps;
    const auto known = by_labels.find(label_key(series.labels));
    if (known == by_labels.end()) {
      out.push_back(std::move(series));
    } else {
      auto& points = out[known->second].points;
      points.insert(points.end(), series.points.begin(), series.points.end());
    }
  }
  return out;
}

/// scan() for the steps that no answer before has told, or that rows have come for since.
Result<StepVector> scan_news(const QueryScope& scope, const RangeAggregation& aggregation, const LabelDemand& demand,
                             const Grouping* outer, const StepGrid& grid, const Extremes* wanted) {
  KeptSteps* keeper = scope.environment->kept;
  const bool keeps = keeper != nullptr && grid.count > 1 && depends_on_rows_alone(aggregation.range.query);
  if (!keeps) return scan(scope, aggregation, demand, grid, wanted, false);
  const std::string key = kept_key(scope, aggregation, outer, grid);
  const std::shared_ptr<const KeptVector> kept = keeper->find(key);
  const uint32_t steps = kept == nullptr ? 0 : usable_steps(scope, *kept, grid, aggregation.range.offset_ns);
  uint64_t all_bytes = 0;
  if (steps > 0) {
    const WindowGrid windows(grid, aggregation.range.range_ns, aggregation.range.offset_ns);
    TRY_ASSIGN(all_bytes, planned_bytes_of_all(scope, windows.covered(), aggregation.range.query));
  }
  keeper->count(steps);
  const size_t warnings = scope.warnings->size();
  StepVector vector;
  if (steps < grid.count) {
    TRY_ASSIGN(vector, scan(scope, aggregation, demand, {grid.time_ns(steps), grid.step_ns, grid.count - steps},
                            nullptr, true));
  }
  scope.stats->planned_bytes = std::max(scope.stats->planned_bytes, all_bytes);
  if (steps > 0) {
    TRY(scope.memory->add(kept->memory_bytes()));
    vector = join(*kept, grid, steps, std::move(vector));
  }
  if (scope.warnings->size() == warnings) {
    keeper->keep(key, std::make_shared<const KeptVector>(KeptVector{grid, scope.version, vector}));
  }
  return vector;
}

}  // namespace

Result<StepVector> run_range_aggregation(const QueryScope& scope, const RangeAggregation& aggregation,
                                         const Grouping* outer, const StepGrid& grid, const Extremes* wanted) {
  const LogRange& range = aggregation.range;
  const LabelDemand demand = label_demand(aggregation, outer);
  TRY_ASSIGN(StepVector vector, scan_news(scope, aggregation, demand, outer, grid, wanted));
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
