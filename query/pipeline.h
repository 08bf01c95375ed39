// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "query/logql_ast.h"
#include "query/parser_hints.h"
#include "query/stages.h"

namespace cordwood::query {

/// A query's stages ready to run, in the order that Loki runs them: line filters hop over earlier parsers.
class Pipeline {
 public:
  /// `extra_filters` run after the stages (those of unwrap) and count for the parsers' hints.
  /// invalid: `parse error : stage '…' : …`.
  static Result<std::unique_ptr<Pipeline>> make(std::span<const Stage> stages, const LabelDemand& demand,
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
  /// To be called when blocks come or go.
  void on_block() {
    for (const RowStagePtr& stage : stages_) stage->on_block();
  }
  /// How many of `most` rows, beginning with `row` and going on upwards or down, need not be processed: filters at the
  /// head of the pipeline know already that they drop them.
  uint32_t ruled_out(uint32_t row, uint32_t most, bool downwards) const;
  bool empty() const { return stages_.empty(); }

 private:
  Pipeline() = default;
  ParserHints hints_;
  std::vector<RowStagePtr> stages_;
  std::vector<LabelPredicatePtr> extra_;
};

/// Line filters moved ahead of parsers and formats, as far as a label filter, line_format or unpack lets them.
std::vector<Stage> reorder_stages(std::span<const Stage> stages);

/// Takes out each line_format that nothing after it can see.
std::vector<Stage> without_unseen_line_formats(std::span<const Stage> stages);

}  // namespace cordwood::query
