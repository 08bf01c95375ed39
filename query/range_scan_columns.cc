// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "query/range_scan.h"

namespace cordwood::query {

namespace {

/// So many rows are read at a time: what they come to stays in the nearest cache.
constexpr size_t kMostPicked = 1024;
/// Samples of more series than this for each of them are not tallied first.
constexpr size_t kMostSeriesPerSample = 2;

/// The first row in [row, end) whose time lies behind `last_ns`; times ascend.
uint32_t first_behind(std::span<const int64_t> times, uint32_t row, uint32_t end, int64_t last_ns) {
  uint32_t reach = 1;  // most stretches are short
  while (reach < end - row && times[row + reach] <= last_ns) reach *= 2;
  const auto from = times.begin() + row + reach / 2, to = times.begin() + std::min(row + reach, end);
  return static_cast<uint32_t>(std::upper_bound(from, to, last_ns) - times.begin());
}

}  // namespace

Result<bool> RangeScan::begin_columns(BlockView& view, const Stream& stream) {
  const ColumnSelect::StreamRows& known = pipeline_->known();
  if (known.all_open || !samples_.possible() || !pipeline_->columns().complete()) return false;
  if (sampled_ != known.found) {
    TRY_ASSIGN(const ShapeRows* shape_rows, view.columns()->shape_rows());
    shapes_ = shape_rows->ids();
    TRY(samples_.begin_block(view, *known.found->labels));
    sampled_ = known.found;
  }
  samples_.begin_stream(stream);
  return true;
}

Result<void> RangeScan::scan_columns(const StreamRows& rows, uint32_t row) {
  looked_at_ = 0;
  picked_.clear();
  const uint32_t rest = rows.span.end - row;
  scope_.stats->lines_processed += rest;
  scope_.stats->column_rows += rest;
  const RowBits& kept = pipeline_->known().found->rows.kept;
  for (row = kept.next(row); row < rows.span.end;) {
    const WindowGrid::Stretch stretch = windows_.stretch(rows.block.times[row]);
    const uint32_t end = first_behind(rows.block.times, row, rows.span.end, stretch.end_ns);
    if (stretch.cell >= 0) TRY(scan_cell(rows, row, end, stretch.cell));
    row = kept.next(end);
  }
  scope_.stats->column_rows -= looked_at_;
  return {};
}

Result<void> RangeScan::scan_cell(const StreamRows& rows, uint32_t row, uint32_t end, int64_t cell) {
  const RowSelection& known = pipeline_->known().found->rows;
  for (row = known.kept.next(row); row < end; row = known.kept.next(row + 1)) {
    TRY_ASSIGN(const bool copy, is_copy(rows, row));
    if (copy) continue;
    if (!known.open.test(row)) {
      picked_.push_back(row);
      if (picked_.size() == kMostPicked) TRY(add_picked(rows, cell));
      continue;
    }
    TRY(add_picked(rows, cell));
    ++looked_at_;
    TRY(add_row(rows, row, cell));
  }
  return add_picked(rows, cell);
}

Result<void> RangeScan::add_picked(const StreamRows& rows, int64_t cell) {
  if (picked_.empty()) return {};
  TRY(scope_.guard->check());
  size_t series = table_.size();
  if (samples_.read(picked_, shapes_, &read_).ok()) {
    TRY(add_read(rows, cell, series));
  } else {
    // A cell is damaged: the rows before it count.
    for (const uint32_t row : picked_) {
      TRY(samples_.read({&row, 1}, shapes_, &read_));
      TRY(add_read(rows, cell, series));
      series = table_.size();
    }
  }
  picked_.clear();
  return {};
}

Result<void> RangeScan::add_read(const StreamRows& rows, int64_t cell, size_t series_before) {
  uint64_t bytes = 0;
  for (size_t series = series_before; series < table_.size(); ++series) {
    bytes += table_.keys().bytes_of(static_cast<uint32_t>(series));
  }
  if (bytes > 0) TRY(scope_.memory->add(bytes));
  size_t begin = 0;
  for (const uint32_t open : read_.open) {
    const auto behind = std::lower_bound(read_.rows.begin(), read_.rows.end(), open);
    const auto end = static_cast<size_t>(behind - read_.rows.begin());
    TRY(add_samples(rows.block.times, begin, end, cell));
    ++looked_at_;
    TRY(add_row(rows, open, cell));
    begin = end;
  }
  return add_samples(rows.block.times, begin, read_.rows.size(), cell);
}

Result<void> RangeScan::add_samples(std::span<const int64_t> times, size_t begin, size_t end, int64_t cell) {
  if (begin == end) return {};
  const auto series = std::span(read_.series).subspan(begin, end - begin);
  scope_.stats->post_filter_lines += series.size();
  if (counts_rows_ && table_.size() <= kMostSeriesPerSample * series.size()) {
    tally_.assign(table_.size(), 0);
    for (const uint32_t one : series) ++tally_[one];
    for (uint32_t one = 0; one < tally_.size(); ++one) {
      if (tally_[one] > 0) TRY(add_sample(one, times[read_.rows[end - 1]], cell, tally_[one]));
    }
    return {};
  }
  read_times_.clear();
  for (size_t i = begin; i < end; ++i) read_times_.push_back(times[read_.rows[i]]);
  if (counting_) {
    for (const uint32_t one : series) count(one, read_times_.front(), cell, 1);
  }
  const uint64_t grown = series_->add(series, read_times_, cell, std::span(read_.values).subspan(begin, end - begin));
  return grown > 0 ? scope_.memory->add(grown) : Result<void>();
}

}  // namespace cordwood::query
