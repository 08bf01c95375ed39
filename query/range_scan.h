// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "query/blocks_ahead.h"
#include "query/column_samples.h"
#include "query/copy_filter.h"
#include "query/count_shortcut.h"
#include "query/kept_sums.h"
#include "query/open_block.h"
#include "query/pipeline.h"
#include "query/sample_value.h"
#include "query/series_table.h"
#include "query/step_operators.h"
#include "query/window_table.h"

namespace cordwood::query {

/// Turns the rows of a plan into the series of a range aggregation, in one pass over the blocks: from count tables
/// where they will do, else row by row through the pipeline.
class RangeScan {
 public:
  /// All arguments outlive the scan; `stages` are those the pipeline was made of.
  RangeScan(const QueryScope& scope, const RangeAggregation& aggregation, const LabelDemand& demand,
            const WindowGrid& windows, Pipeline* pipeline, std::span<const Stage> stages);
  /// What blocks count is taken from `sums`, and put there; only for counts.  Null: nothing is kept.  `by_cell`: for
  /// all windows that cut time into the same cells; else for one window, where blocks count as a whole or not at all.
  void keep_sums(std::shared_ptr<BlockSums> sums, bool by_cell) {
    sums_ = std::move(sums);
    by_cell_ = by_cell;
  }
  /// `make`: see BlocksAhead.
  Result<void> run(const ReadPlan& plan, BlocksAhead::MakePipeline make);
  uint64_t blocks_taken() const { return blocks_taken_; }
  /// One value per series and window that holds samples.  `wanted`: of an instant answer no others are needed; null:
  /// all are.
  Result<StepVector> finish(const Extremes* wanted);

 private:
  Result<void> scan_block(const ReadPlan& plan, const BlocksAhead::Block& block,
                          const std::vector<CountShortcut::Rest>* rest, CopyFilter* copies);
  /// Whether the block's rows in the range count, whatever else there is.
  bool counts_alone(const ReadPlan& plan, const PlannedBlock& planned) const;
  /// Takes what sums_ know of blocks, and leaves the others.
  Result<void> take_known(const ReadPlan& plan, std::vector<const PlannedBlock*>* blocks);
  Result<void> take(const ReadPlan& plan, const BlockSums::OfBlock& sums);
  void take_whole(std::span<const BlockSums::Part> parts);
  Result<void> take_cell(int64_t time_ns, std::span<const BlockSums::Part> parts);
  /// What has been counted of a block from a time on; `keeps`: it is all there is.
  void keep_counted(const PlannedBlock& planned, int64_t from_ns, bool keeps);
  /// Ends the cell that is counted.
  void end_cell();
  /// Adds taken_ to the series; of those that it alone knows, no more than are `wanted` become some.
  Result<void> add_taken(const Extremes* wanted);
  Result<void> add_taken(std::string_view key, double sum);
  /// Adds what series of table_ have in taken_, and leaves there what others have.
  Result<void> add_taken_of_known();
  /// Rows of one stream of a block.
  struct StreamRows {
    const OpenBlock& block;
    const RowSpan& span;
    const Stream* stream;
    CopyFilter* copies;  ///< null: none is a copy
  };
  Result<void> scan(const StreamRows& rows);
  /// The same for rows of which the times tell all.
  Result<void> scan_times(const StreamRows& rows);
  Result<bool> is_copy(const StreamRows& rows, uint32_t row);
  /// Takes a row through the pipeline.
  Result<void> add_row(const StreamRows& rows, uint32_t row, int64_t cell);
  /// Whether columns tell the samples of the current stream's rows that are not open.
  Result<bool> begin_columns(BlockView& view, const Stream& stream);
  /// The rows from this one on.
  Result<void> scan_columns(const StreamRows& rows, uint32_t row);
  /// Rows [row, end), whose times lie in one cell.
  Result<void> scan_cell(const StreamRows& rows, uint32_t row, uint32_t end, int64_t cell);
  /// Samples of picked_, which is empty afterwards.
  Result<void> add_picked(const StreamRows& rows, int64_t cell);
  /// Adds read_; `series_before`: how many series were accounted for.
  Result<void> add_read(const StreamRows& rows, int64_t cell, size_t series_before);
  /// Samples [begin, end) of read_.
  Result<void> add_samples(std::span<const int64_t> times, size_t begin, size_t end, int64_t cell);
  /// Counts rows of a series for sums_.
  void count(uint32_t series, int64_t time_ns, int64_t cell, uint32_t rows);
  Result<void> add(const CountShortcut::Part& part);
  /// The series to give, in order.
  std::vector<uint32_t> pick(const Extremes* wanted) const;
  Result<uint32_t> series_of(const std::vector<LabelView>& labels);
  Result<uint32_t> series_of_key(std::string_view key);
  Result<void> add_sample(uint32_t series, int64_t time_ns, int64_t cell, double value);

  const QueryScope& scope_;
  const WindowGrid& windows_;
  Pipeline* pipeline_;  ///< of the block that is read
  SampleValue value_;
  SeriesTable table_;
  ColumnSamples samples_;
  const ColumnSelect::Found* sampled_ = nullptr;  ///< what samples_ were last begun for
  std::span<const uint32_t> shapes_;              ///< of the rows of that block
  std::vector<uint32_t> picked_;                  ///< rows of one cell of time that are to be read by columns
  ColumnSamples::Samples read_;                   ///< of rows that were picked
  std::vector<int64_t> read_times_;
  uint64_t looked_at_ = 0;       ///< rows of a stream that columns did not tell
  std::vector<uint32_t> tally_;  ///< of samples, by series
  CountShortcut shortcut_;
  std::unique_ptr<WindowTable> series_;
  bool counts_rows_;  ///< each sample is 1
  std::shared_ptr<BlockSums> sums_;
  bool by_cell_ = false;
  std::vector<double> taken_;  ///< from sums_, by their number of the series
  uint64_t blocks_taken_ = 0;
  bool counting_ = false;                              ///< a block that sums_ are to know
  BlockSums::OfBlock block_sums_;                      ///< of that block, but for the cell that is counted
  int64_t counted_cell_ = 0;                           ///< that cell
  int64_t counted_time_ns_ = 0;                        ///< some time in it
  std::vector<uint32_t> counted_;                      ///< of it, by series
  std::vector<uint32_t> in_cell_;                      ///< its series
  std::vector<std::optional<uint32_t>> series_taken_;  ///< by number in sums_: the series here
  PipelineRow row_;
};

}  // namespace cordwood::query
