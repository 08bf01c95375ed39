// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "query/block_labels.h"
#include "query/label_predicate.h"
#include "query/stages.h"

namespace cordwood::query {

/// Runs the filters of a pipeline over all rows of a sealed block at once, column by column, as far as the stages
/// before them leave lines and labels as they are stored; of rows in memory it searches the lines.  Belongs to one
/// pipeline.
class ColumnSelect {
 public:
  /// `stages` in the order in which they run, `rows` the same ready to run; both outlive it.  `filters` come behind
  /// them.  `wanted` are labels that others will ask of the columns.
  ColumnSelect(std::span<const Stage> stages, std::span<const RowStagePtr> rows,
               std::span<const LabelFilterPtr> filters, const std::vector<std::string>& wanted);

  /// Whether a row that is kept and not open passes the whole pipeline, its wanted labels being those of BlockLabels.
  bool complete() const { return complete_; }
  void on_block() {
    found_.clear();
    if (expressions_) expressions_->on_block();
  }

  /// Of one set of label names that streams have.
  struct Found {
    std::vector<bool> stream_has;       ///< by name
    std::optional<BlockLabels> labels;  ///< nothing: no use of the columns
    RowSelection rows;
  };
  /// What is known of the rows of one stream.
  struct StreamRows {
    const Found* found = nullptr;  ///< null: nothing
    bool none = false;             ///< all are dropped
    bool all_open = false;         ///< all that are kept must go through the pipeline
  };
  /// `view` is the same between two calls of on_block().
  Result<StreamRows> rows_of(BlockView& view, const Stream& stream);

 private:
  enum class Outcome : uint8_t { drop, pass, open };
  struct Condition {
    LabelPredicatePtr predicate;
    size_t name = 0;
    bool of_error = false;        ///< asks for __error__, and lets rows without one pass
    bool before_parser = false;   ///< sees no fields
    bool errors_dropped = false;  ///< sees no __error__ of the parser any more
    bool spares_errors = false;   ///< whatever its label, a row with an error passes
    Outcome absent = Outcome::drop;
    Outcome empty = Outcome::drop;
    Outcome absent_after_error = Outcome::drop;
  };
  class Judge;
  struct PassingRows;

  bool take_stage(const Stage& stage, RowStage* row_stage);
  bool take_parser(const Stage& stage);
  bool take_drop(const DropStage& stage);
  void add_filter(const LabelFilter& filter, bool behind_unwrap);
  void add_condition(LabelPredicatePtr predicate, const std::string& name, bool behind_unwrap);
  size_t name_index(const std::string& name);
  bool is_dropped(std::string_view name) const;
  Result<void> find(BlockView& view, Found* found);
  Result<void> filter_lines(BlockView& view, Found* found);
  /// Line filters and conditions, one after the other.
  Result<void> filter_rows(BlockView& view, Found* found);
  Result<void> apply(BlockView& view, const Condition& condition, Found* found);
  static Result<void> drop_without_key(BlockView& view, std::string_view name, PassingRows* rows);
  Result<void> apply_to_cells(BlockView& view, const Condition& condition, const BlockLabels& labels,
                              PassingRows* rows);
  /// What the shape alone tells of its rows.
  Outcome outcome_of(const Condition& condition, const BlockLabels& labels, uint32_t shape_id) const;

  std::vector<std::string> names_;  ///< that BlockLabels answer by index; wanted ones come first
  std::vector<Condition> conditions_;
  std::vector<RowStage*> line_filters_;
  LineParser parser_;
  std::optional<ExpressionSlots> expressions_;
  bool sets_named_keys_alone_ = false;  ///< the parser; it gives no errors either
  std::vector<std::string> dropped_;    ///< by stages so far
  size_t wanted_ = 0;                   ///< of the names, the first ones
  bool complete_ = true;
  std::list<Found> found_;  ///< of this block
};

}  // namespace cordwood::query
