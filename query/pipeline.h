// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "query/column_select.h"
#include "query/logql_ast.h"
#include "query/parser_hints.h"
#include "query/stages.h"

namespace cordwood::query {

/// A query's stages ready to run, in the order that Loki runs them: line filters hop over earlier parsers.
class Pipeline {
 public:
  /// `extra_filters` run after the stages (those of unwrap) and count for the parsers' hints.
  /// `rows_one_by_one`: see QueryEngine::Environment.
  /// invalid: `parse error : stage '…' : …`.
  static Result<std::unique_ptr<Pipeline>> make(std::span<const Stage> stages, const LabelDemand& demand,
                                                uint64_t rows_one_by_one,
                                                std::span<const LabelFilterPtr> extra_filters = {});

  /// False when a stage dropped the row, or it could not be read (row.failure()).
  bool process(PipelineRow& row) {
    for (const RowStagePtr& stage : stages_) {
      if (!stage->process(row) || row.failure()) return false;
    }
    return true;
  }
  /// The filters after the unwrap.
  bool process_extra(PipelineRow& row) const {
    for (const LabelPredicatePtr& filter : extra_) {
      if (!filter->matches(row)) return false;
    }
    return true;
  }
  /// To be called when blocks come or go.  `rows`: about how many of the block's rows will be asked about.
  void on_block(uint64_t rows = 0) {
    for (const RowStagePtr& stage : stages_) stage->on_block();
    columns_->on_block();
    rows_to_come_ = rows;
  }
  /// The next rows are of this stream and block, until the next call of this or on_block().
  void on_stream(BlockView* block, const Stream* stream) {
    block_ = block;
    stream_ = stream;
    known_.reset();
  }
  /// How many of `most` rows, beginning with `row` and going on upwards or down, need not be processed: the block's
  /// columns tell that they are dropped.
  Result<uint32_t> ruled_out(uint32_t row, uint32_t most, bool downwards);
  /// What columns tell of the rows of this stream, as far as ruled_out() had to know.
  const ColumnSelect::StreamRows& known() const { return known_ ? *known_ : nothing_; }
  const ColumnSelect& columns() const { return *columns_; }
  bool empty() const { return stages_.empty(); }

 private:
  Pipeline() = default;
  ParserHints hints_;
  std::vector<RowStagePtr> stages_;
  std::vector<LabelPredicatePtr> extra_;
  std::unique_ptr<ColumnSelect> columns_;
  uint64_t rows_one_by_one_ = 0;  ///< that are still to come
  uint64_t rows_to_come_ = 0;
  BlockView* block_ = nullptr;
  const Stream* stream_ = nullptr;
  ColumnSelect::StreamRows nothing_;
  std::optional<ColumnSelect::StreamRows> known_;
};

/// Line filters moved ahead of parsers and formats, as far as a label filter, line_format or unpack lets them.
std::vector<Stage> reorder_stages(std::span<const Stage> stages);

/// Takes out each line_format that nothing after it can see.
std::vector<Stage> without_unseen_line_formats(std::span<const Stage> stages);

}  // namespace cordwood::query
