// SPDX-License-Identifier: Apache-2.0
#include "query/range_scan.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>

namespace cordwood::query {

namespace {

constexpr uint32_t kSeriesPerCheck = 1000;

}  // namespace

RangeScan::RangeScan(const QueryScope& scope, const RangeAggregation& aggregation, const LabelDemand& demand,
                     const WindowGrid& windows, Pipeline* pipeline, std::span<const Stage> stages)
    : scope_(scope),
      windows_(windows),
      pipeline_(pipeline),
      value_(aggregation),
      table_(demand),
      samples_(aggregation, demand, &table_),
      shortcut_(aggregation, stages, demand),
      series_(make_window_table(aggregation, windows)),
      counts_rows_(!aggregation.range.unwrap && (aggregation.op == RangeOp::count || aggregation.op == RangeOp::rate)) {
  prepare_row(scope, &row_);
}

Result<void> RangeScan::run(const ReadPlan& plan, BlocksAhead::MakePipeline make) {
  CopyFilter copies(scope_, plan);
  bool copies_ready = false;
  std::vector<const PlannedBlock*> blocks;
  for (const PlannedBlock& block : plan.blocks) blocks.push_back(&block);
  std::sort(blocks.begin(), blocks.end(), [](const PlannedBlock* a, const PlannedBlock* b) {
    return a->source->info().arrival_min < b->source->info().arrival_min;
  });
  if (sums_ != nullptr) {
    TRY(take_known(plan, &blocks));
  }
  const CountShortcut::Taker taker{[this](const auto& labels) { return series_of(labels); },
                                   [this](const auto& part) { return add(part); }};
  // Where tables tell the counts few blocks are opened, and nobody knows which.
  if (shortcut_.possible()) make = nullptr;
  Pipeline* const own = pipeline_;
  BlocksAhead ahead(scope_, plan, std::move(blocks), own, std::move(make));
  for (size_t at = 0; at < ahead.blocks().size(); ++at) {
    const PlannedBlock* const planned = ahead.blocks()[at];
    TRY(scope_.guard->check());
    const size_t warnings = scope_.warnings->size();
    const bool alone = sums_ != nullptr && counts_alone(plan, *planned);
    counting_ = alone;
    std::vector<CountShortcut::Rest> rest;
    const uint64_t lines = scope_.stats->lines_processed;
    auto known = shortcut_.read(plan, windows_, *planned, taker, &rest);
    scope_.stats->bytes_processed += planned->bytes_of(scope_.stats->lines_processed - lines);
    if (!known.ok() && !skip_damaged(scope_, known.error())) return std::move(known).error();
    if (known.ok() && !(*known && rest.empty())) {
      if (planned->contested && !copies_ready) {
        TRY(copies.prepare());
        copies_ready = true;
      }
      TRY_ASSIGN(const BlocksAhead::Block block, ahead.open(at));
      TRY(scan_block(plan, block, *known ? &rest : nullptr, planned->contested && copies.active() ? &copies : nullptr));
      ahead.close();
    } else if (planned->source->in_head()) {
      counting_ = false;  // its tables have more rows each time
    }
    const int64_t from_ns = by_cell_ ? plan.range.start_ns : BlockSums::kWhole;
    if (alone) keep_counted(*planned, from_ns, scope_.warnings->size() == warnings);
  }
  pipeline_ = own;
  return {};
}

bool RangeScan::counts_alone(const ReadPlan& plan, const PlannedBlock& planned) const {
  if (planned.time_max_ns >= plan.range.end_ns) return false;
  if (by_cell_ && plan.range != windows_.covered()) return false;
  if (!by_cell_) {
    const WindowGrid::Stretch stretch = windows_.stretch(planned.time_max_ns);
    if (stretch.cell < 0 || !stretch.holds(planned.time_min_ns)) return false;
    if (planned.time_min_ns < plan.range.start_ns) return false;
  }
  return !planned.contested;
}

Result<void> RangeScan::take_known(const ReadPlan& plan, std::vector<const PlannedBlock*>* blocks) {
  std::vector<const PlannedBlock*> others;
  for (const PlannedBlock* const block : *blocks) {
    const auto sums = counts_alone(plan, *block) ? sums_->find(block->source) : nullptr;
    if (sums == nullptr || std::max(plan.range.start_ns, block->time_min_ns) < sums->from_ns) {
      others.push_back(block);
      continue;
    }
    TRY(take(plan, *sums));
    ++blocks_taken_;
  }
  *blocks = std::move(others);
  return {};
}

Result<void> RangeScan::take(const ReadPlan& plan, const BlockSums::OfBlock& sums) {
  size_t begin = 0;
  for (const BlockSums::Cell& cell : sums.cells) {
    const std::span parts(sums.parts.data() + begin, cell.end - begin);
    begin = cell.end;
    if (!by_cell_) {
      take_whole(parts);
    } else if (plan.range.contains(cell.time_ns)) {
      TRY(take_cell(cell.time_ns, parts));
    }
  }
  return {};
}

void RangeScan::take_whole(std::span<const BlockSums::Part> parts) {
  for (const BlockSums::Part& part : parts) {
    if (part.series >= taken_.size()) taken_.resize(part.series + 1);
    taken_[part.series] += part.sum;
    scope_.stats->post_filter_lines += part.sum;
  }
}

Result<void> RangeScan::take_cell(int64_t time_ns, std::span<const BlockSums::Part> parts) {
  const int64_t cell = windows_.cell(time_ns);
  for (const BlockSums::Part& part : parts) {
    if (part.series >= series_taken_.size()) series_taken_.resize(part.series + 1);
    std::optional<uint32_t>& series = series_taken_[part.series];
    if (!series) {
      TRY_ASSIGN(series, series_of_key(sums_->key(part.series)));
    }
    TRY(add_sample(*series, time_ns, cell, part.sum));
    scope_.stats->post_filter_lines += part.sum;
  }
  return {};
}

void RangeScan::end_cell() {
  if (in_cell_.empty()) return;
  for (const uint32_t series : in_cell_) {
    block_sums_.parts.push_back({series, counted_[series]});
    counted_[series] = 0;
  }
  in_cell_.clear();
  block_sums_.cells.push_back({counted_time_ns_, block_sums_.parts.size()});
}

void RangeScan::keep_counted(const PlannedBlock& planned, int64_t from_ns, bool keeps) {
  end_cell();
  block_sums_.from_ns = from_ns;
  if (keeps && counting_) sums_->keep(planned.source, table_, std::move(block_sums_));
  block_sums_ = {};
  counting_ = false;
}

Result<uint32_t> RangeScan::series_of_key(std::string_view key) {
  bool is_new = false;
  const uint32_t series = table_.find_key(key, &is_new);
  if (is_new) TRY(scope_.memory->add(table_.last_bytes()));
  return series;
}

Result<void> RangeScan::add_taken(std::string_view key, double sum) {
  TRY_ASSIGN(const uint32_t series, series_of_key(key));
  return add_sample(series, 0, windows_.first_cell(0), sum);
}

Result<void> RangeScan::add_taken_of_known() {
  const auto numbers = sums_->numbers_of(table_);
  for (uint32_t series = 0; series < numbers.size(); ++series) {
    if (!numbers[series] || *numbers[series] >= taken_.size()) continue;
    TRY(add_sample(series, 0, windows_.first_cell(0), taken_[*numbers[series]]));
    taken_[*numbers[series]] = 0;
  }
  return {};
}

Result<void> RangeScan::add_taken(const Extremes* wanted) {
  TRY(scope_.memory->add(taken_.size() * sizeof(double)));
  const auto series_taken = taken_.size() - static_cast<size_t>(std::count(taken_.begin(), taken_.end(), 0.0));
  if (wanted == nullptr || table_.may_have_errors() || sums_->may_have_errors()) {
    Result<void> added;
    table_.reserve(series_taken);
    sums_->for_each_key([&](uint32_t number, std::string_view key) {
      if (added.ok() && number < taken_.size() && taken_[number] != 0) added = add_taken(key, taken_[number]);
    });
    return added;
  }
  TRY(add_taken_of_known());
  TRY(scope_.memory->add(series_taken * sizeof(Extremes::Candidate)));
  std::vector<Extremes::Candidate> candidates;
  candidates.reserve(series_taken);
  for (uint32_t number = 0; number < taken_.size(); ++number) {
    if (taken_[number] != 0) candidates.push_back({taken_[number], number});
  }
  wanted->select(&candidates);
  for (const auto& [sum, number] : candidates) TRY(add_taken(sums_->key(number), sum));
  return {};
}

Result<void> RangeScan::scan_block(const ReadPlan& plan, const BlocksAhead::Block& opened,
                                   const std::vector<CountShortcut::Rest>* rest, CopyFilter* copies) {
  const PlannedBlock& planned = *opened.planned;
  const OpenBlock& block = *opened.open;
  pipeline_ = opened.pipeline;
  row_.source = planned.source.get();
  std::vector<RowSpan> spans = block.spans;
  if (rest != nullptr) {
    std::unordered_map<uint32_t, std::vector<RowSpan>> by_stream;
    for (const RowSpan& span : block.spans) by_stream[span.ordinal].push_back(span);
    spans.clear();
    for (const CountShortcut::Rest& times : *rest) {
      for (const RowSpan& span : by_stream[times.ordinal]) {
        const auto first = block.times.begin() + span.begin, last = block.times.begin() + span.end;
        const auto begin = std::upper_bound(first, last, times.begin_ns);
        const auto end = std::upper_bound(begin, last, times.end_ns);
        if (begin == end) continue;
        spans.push_back({span.ordinal, static_cast<uint32_t>(begin - block.times.begin()),
                         static_cast<uint32_t>(end - block.times.begin())});
      }
    }
  }
  // Rows of an open head block are read again and again: each time there are more.
  const bool open_head = planned.source->in_head() && block.view != nullptr && block.view->columns() == nullptr;
  counting_ = counting_ && !open_head;
  const uint64_t rows = row_count(spans);
  if (rest != nullptr) pipeline_->on_block(rows);
  sampled_ = nullptr;
  for (const RowSpan& span : spans) {
    const StreamRows of_stream{block, span, plan.streams[span.ordinal].stream.get(), copies};
    const bool times_tell = rest != nullptr && copies == nullptr && shortcut_.times_tell();
    auto scanned = times_tell ? scan_times(of_stream) : scan(of_stream);
    if (!scanned.ok() && !skip_damaged(scope_, scanned.error())) return scanned;
  }
  const uint64_t bytes = planned.bytes_of(rows);
  scope_.stats->bytes_processed += bytes;
  if (planned.source->in_head()) {
    scope_.stats->head_lines += rows;
    scope_.stats->head_bytes += bytes;
  }
  return {};
}

Result<bool> RangeScan::is_copy(const StreamRows& rows, uint32_t row) {
  if (rows.copies == nullptr) return false;
  return rows.copies->is_copy(*rows.block.view, row, rows.span.ordinal, rows.block.times[row]);
}

Result<void> RangeScan::scan(const StreamRows& rows) {
  const RowSpan& span = rows.span;
  pipeline_->on_stream(rows.block.view.get(), rows.stream);
  WindowGrid::Stretch stretch;
  for (uint32_t row = span.begin; row < span.end; ++row) {
    const bool asked = pipeline_->known().found != nullptr;
    TRY_ASSIGN(const uint32_t skipped, pipeline_->ruled_out(row, span.end - row, false));
    scope_.stats->lines_processed += skipped;
    scope_.stats->column_rows += skipped;
    row += skipped;
    if (row == span.end) break;
    if (!asked && pipeline_->known().found != nullptr) {
      TRY_ASSIGN(const bool by_columns, begin_columns(*rows.block.view, *rows.stream));
      if (by_columns) return scan_columns(rows, row);
    }
    if (++scope_.stats->lines_processed % kRowsPerCheck == 0) TRY(scope_.guard->check());
    const int64_t time_ns = rows.block.times[row];
    if (!stretch.holds(time_ns)) stretch = windows_.stretch(time_ns);
    if (stretch.cell < 0) continue;
    TRY_ASSIGN(const bool copy, is_copy(rows, row));
    if (!copy) TRY(add_row(rows, row, stretch.cell));
  }
  return {};
}

Result<void> RangeScan::scan_times(const StreamRows& rows) {
  TRY_ASSIGN(const uint32_t series, series_of(shortcut_.labels_of(*rows.stream, {})));
  const auto end = rows.block.times.begin() + rows.span.end;
  for (auto at = rows.block.times.begin() + rows.span.begin, next = at; at != end; at = next) {
    const WindowGrid::Stretch stretch = windows_.stretch(*at);
    next = std::partition_point(at + 1, end, [&stretch](int64_t time_ns) { return stretch.holds(time_ns); });
    const auto count = static_cast<uint64_t>(next - at);
    scope_.stats->lines_processed += count;
    scope_.stats->column_rows += count;
    if (stretch.cell < 0) continue;
    scope_.stats->post_filter_lines += count;
    TRY(add_sample(series, *at, stretch.cell, static_cast<double>(count)));
  }
  return {};
}

Result<void> RangeScan::add_row(const StreamRows& rows, uint32_t row, int64_t cell) {
  const int64_t time_ns = rows.block.times[row];
  row_.begin(rows.block.view.get(), row, rows.stream, time_ns);
  const bool kept = pipeline_->process(row_);
  if (row_.failure()) return *row_.failure();
  if (!kept) return {};
  const auto value = value_.of(row_);
  if (!value || !pipeline_->process_extra(row_)) return {};
  bool is_new = false;
  const uint32_t series = table_.find(row_, &is_new);
  if (row_.failure()) return *row_.failure();
  ++scope_.stats->post_filter_lines;
  if (is_new) TRY(scope_.memory->add(table_.last_bytes()));
  return add_sample(series, time_ns, cell, *value);
}

Result<uint32_t> RangeScan::series_of(const std::vector<LabelView>& labels) {
  bool is_new = false;
  const uint32_t series = table_.find(labels, &is_new);
  if (is_new) TRY(scope_.memory->add(table_.last_bytes()));
  return series;
}

Result<void> RangeScan::add(const CountShortcut::Part& part) {
  scope_.stats->lines_processed += part.rows;
  scope_.stats->post_filter_lines += part.rows;
  return add_sample(part.series, part.time_ns, part.cell, part.value);
}

void RangeScan::count(uint32_t series, int64_t time_ns, int64_t cell, uint32_t rows) {
  if (cell != counted_cell_) end_cell();
  counted_cell_ = cell;
  counted_time_ns_ = time_ns;
  if (series >= counted_.size()) counted_.resize(std::max<size_t>(series + 1, 2 * counted_.size()));
  if (counted_[series] == 0) in_cell_.push_back(series);
  counted_[series] += rows;
}

Result<void> RangeScan::add_sample(uint32_t series, int64_t time_ns, int64_t cell, double value) {
  if (counting_) count(series, time_ns, cell, static_cast<uint32_t>(value));
  const uint64_t grown = series_->add(series, time_ns, cell, value);
  return grown > 0 ? scope_.memory->add(grown) : Result<void>();
}

std::vector<uint32_t> RangeScan::pick(const Extremes* wanted) const {
  std::vector<uint32_t> all(series_->series_count());
  std::iota(all.begin(), all.end(), 0);
  // Of a series with an error the caller must know.
  if (wanted == nullptr || table_.may_have_errors() || all.empty() || !series_->value(0)) return all;
  std::vector<Extremes::Candidate> candidates;
  candidates.reserve(all.size());
  for (const uint32_t series : all) candidates.push_back({*series_->value(series), series});
  wanted->select(&candidates);
  std::vector<uint32_t> picked;
  for (const Extremes::Candidate& candidate : candidates) picked.push_back(candidate.series);
  std::sort(picked.begin(), picked.end());
  return picked;
}

Result<StepVector> RangeScan::finish(const Extremes* wanted) {
  if (!taken_.empty()) TRY(add_taken(wanted));
  StepVector out;
  for (const uint32_t number : pick(wanted)) {
    if (number % kSeriesPerCheck == 0) TRY(scope_.guard->check());
    StepSeries series;
    series.points = series_->finish(number);
    if (series.points.empty()) continue;
    series.labels = table_.labels(number);
    TRY(scope_.memory->add(sizeof(StepSeries) + series.labels.size() * sizeof(series.labels[0]) +
                           series.points.size() * sizeof(StepPoint)));
    out.push_back(std::move(series));
  }
  return out;
}

}  // namespace cordwood::query
