// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "query/open_block.h"

namespace cordwood::query {

/// Walks the rows of a plan in order: by time in the direction asked for, rows of one time by stream hash and label
/// string, rows of one stream and time by arrival (the other way round when backward).  Copies of a row are left out,
/// the earliest arrival stays.  Blocks are opened when their first row may be next and closed after their last.
class RowMerge {
 public:
  struct Row {
    BlockView* view = nullptr;
    uint32_t row = 0;
    uint32_t ordinal = 0;
    int64_t time_ns = 0;
    const BlockSource* source = nullptr;
  };

  RowMerge(const QueryScope& scope, const ReadPlan& plan, Direction direction);
  /// False at the end.  The view of the row before is void then.
  Result<bool> next(Row* out);
  /// Counts blocks opened or closed so far: whoever keeps pointers into blocks looks at it.
  uint64_t generation() const { return generation_; }

 private:
  struct Cursor {
    OpenBlock* block = nullptr;  ///< null: a block not opened yet
    const PlannedBlock* planned = nullptr;
    uint32_t ordinal = 0;
    uint32_t at = 0;    ///< row the cursor stands on
    uint32_t left = 0;  ///< rows from `at` on, in the direction
    int64_t time_ns = 0;
  };

  /// Whether `a` comes after `b`: the order of the heap.
  bool later(const Cursor& a, const Cursor& b) const;
  Result<void> open(const PlannedBlock& block);
  void push(Cursor cursor);
  Cursor pop();
  /// Puts the cursor back on its next row, or lets its block go.
  void advance(Cursor cursor);
  void release(OpenBlock* block);
  bool same_place(const Cursor& a, const Cursor& b) const { return a.time_ns == b.time_ns && a.ordinal == b.ordinal; }
  /// Takes all rows of the cursor's stream and time, drops copies and queues them.
  Result<void> collect_ties(Cursor first);

  const QueryScope& scope_;
  const ReadPlan& plan_;
  bool backward_;
  std::vector<Cursor> heap_;
  struct Held {
    OpenBlock block;
    uint32_t cursors = 0;
  };
  std::list<Held> open_;
  struct Queued {
    Row row;
    uint64_t arrival = 0;
    OpenBlock* block = nullptr;
  };
  std::vector<Queued> queue_;  ///< rows of one stream and time, last first
  std::vector<OpenBlock*> closing_;
  uint64_t generation_ = 0;
};

}  // namespace cordwood::query
