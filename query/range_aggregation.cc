// SPDX-License-Identifier: Apache-2.0
#include "query/range_aggregation.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "query/copy_filter.h"
#include "query/pipeline.h"
#include "query/sample_value.h"
#include "query/series_table.h"
#include "query/window_series.h"

namespace cordwood::query {

namespace {

constexpr uint64_t kRowsPerCheck = 1000;

std::unique_ptr<WindowSeries> make_series(const RangeAggregation& aggregation) {
  switch (aggregation.op) {
    case RangeOp::count:
    case RangeOp::rate:
    case RangeOp::bytes:
    case RangeOp::bytes_rate:
    case RangeOp::sum:
    case RangeOp::absent: return std::make_unique<CellSeries<SumState>>();
    case RangeOp::avg: return std::make_unique<CellSeries<AvgState>>();
    case RangeOp::min: return std::make_unique<CellSeries<MinState>>();
    case RangeOp::max: return std::make_unique<CellSeries<MaxState>>();
    case RangeOp::stdvar: return std::make_unique<CellSeries<VarianceState>>();
    case RangeOp::stddev: return std::make_unique<CellSeries<StandardDeviationState>>();
    case RangeOp::first: return std::make_unique<CellSeries<FirstState>>();
    case RangeOp::last: return std::make_unique<CellSeries<LastState>>();
    case RangeOp::quantile: return make_quantile_series(aggregation.parameter);
    case RangeOp::rate_counter: return make_rate_counter_series();
  }
  return nullptr;
}

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

/// Reads the rows of a plan into series.
class RangeScan {
 public:
  RangeScan(const QueryScope& scope, const RangeAggregation& aggregation, const LabelDemand& demand,
            const WindowGrid& windows, Pipeline* pipeline)
      : scope_(scope),
        aggregation_(aggregation),
        windows_(windows),
        pipeline_(pipeline),
        value_(aggregation),
        table_(demand) {}

  Result<void> run(const ReadPlan& plan) {
    CopyFilter copies(scope_, plan);
    TRY(copies.prepare());
    std::vector<const PlannedBlock*> blocks;
    for (const PlannedBlock& block : plan.blocks) blocks.push_back(&block);
    std::sort(blocks.begin(), blocks.end(), [](const PlannedBlock* a, const PlannedBlock* b) {
      return a->source->info().arrival_min < b->source->info().arrival_min;
    });
    for (const PlannedBlock* planned : blocks) {
      TRY(scope_.guard->check());
      TRY_ASSIGN(const OpenBlock block, open_block(scope_, plan, *planned));
      pipeline_->on_block();
      for (const RowSpan& span : block.spans) {
        auto scanned = scan(plan, block, span, copies.active() ? &copies : nullptr);
        if (!scanned.ok() && !skip_damaged(scope_, scanned.error())) return scanned;
      }
      count_bytes(*planned, block);
    }
    return {};
  }

  Result<StepVector> finish() {
    StepVector out;
    for (uint32_t i = 0; i < series_.size(); ++i) {
      StepSeries series;
      series.points = series_[i]->finish(windows_);
      series_[i].reset();
      if (series.points.empty()) continue;
      series.labels = table_.labels(i);
      TRY(scope_.memory->add(series.points.size() * sizeof(StepPoint)));
      out.push_back(std::move(series));
    }
    return out;
  }

 private:
  Result<void> scan(const ReadPlan& plan, const OpenBlock& block, const RowSpan& span, CopyFilter* copies) {
    const Stream* stream = plan.streams[span.ordinal].stream.get();
    for (uint32_t row = span.begin; row < span.end; ++row) {
      if (++scope_.stats->lines_processed % kRowsPerCheck == 0) TRY(scope_.guard->check());
      const int64_t time_ns = block.times[row];
      const int64_t cell = windows_.cell(time_ns);
      if (cell < 0) continue;
      if (copies != nullptr) {
        TRY_ASSIGN(const bool copy, copies->is_copy(*block.view, row, span.ordinal, time_ns));
        if (copy) continue;
      }
      row_.begin(block.view.get(), row, stream, time_ns);
      TRY(add(time_ns, cell));
    }
    return {};
  }

  Result<void> add(int64_t time_ns, int64_t cell) {
    const bool kept = pipeline_->process(row_);
    if (row_.failure()) return *row_.failure();
    if (!kept) return {};
    const auto value = value_.of(row_);
    if (!value || !pipeline_->process_extra(row_)) return {};
    ++scope_.stats->post_filter_lines;
    bool is_new = false;
    const uint32_t series = table_.find(row_, &is_new);
    if (row_.failure()) return *row_.failure();
    if (is_new) {
      series_.push_back(make_series(aggregation_));
      TRY(scope_.memory->add(table_.last_bytes()));
    }
    const uint64_t before = series_[series]->memory_bytes();
    series_[series]->add(time_ns, cell, *value);
    const uint64_t after = series_[series]->memory_bytes();
    return after > before ? scope_.memory->add(after - before) : Result<void>();
  }

  /// Bytes of the rows looked at, by the block's mean line.
  void count_bytes(const PlannedBlock& planned, const OpenBlock& block) {
    uint64_t rows = 0;
    for (const RowSpan& span : block.spans) rows += span.end - span.begin;
    if (planned.rows > 0) scope_.stats->bytes_processed += planned.line_bytes * rows / planned.rows;
  }

  const QueryScope& scope_;
  const RangeAggregation& aggregation_;
  const WindowGrid& windows_;
  Pipeline* pipeline_;
  SampleValue value_;
  SeriesTable table_;
  std::vector<std::unique_ptr<WindowSeries>> series_;
  PipelineRow row_;
};

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
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(scope, windows.covered(), range.query.matchers));
  StepVector vector;
  if (!plan.blocks.empty()) {
    // Stages that cannot be built are an error only where there are lines for them.
    TRY_ASSIGN(const auto pipeline, Pipeline::make(stages, demand, extra));
    RangeScan scan(scope, aggregation, demand, windows, pipeline.get());
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
