// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "query/blocks_ahead.h"
#include "query/stream_collector.h"

namespace cordwood::query {

/// The first `limit` rows that pass a pipeline, for queries that drop most of what they look at.  Blocks and streams
/// are read one after another, each from its newest (or oldest) row on, so that frames are unpacked once; what can
/// no longer be among the first is not looked at.  A merge by time would jump between streams at every row.
class TopRows {
 public:
  TopRows(const QueryScope& scope, const ReadPlan& plan, Direction direction, uint64_t limit, RowCapture capture);
  /// `make`: see BlocksAhead.
  Result<void> run(Pipeline* pipeline, BlocksAhead::MakePipeline make);
  /// In the order of the answer.
  std::vector<CapturedRow> take() &&;

 private:
  /// Where a row stands in the order of the answer.
  struct Place {
    int64_t time_ns = 0;
    uint32_t ordinal = 0;
    uint64_t arrival = 0;
    const PlannedBlock* block = nullptr;
    uint32_t row = 0;
  };
  struct Candidate {
    Place place;
    CapturedRow row;
  };

  /// Of one stream and time.
  static bool tied(const Place& a, const Place& b) { return a.time_ns == b.time_ns && a.ordinal == b.ordinal; }
  static bool arrived_before(const Place& a, const Place& b);
  bool before(const Place& a, const Place& b) const;
  /// The order of the heap.  Blocks that overlap bring tied rows in any order, and of copies the earliest
  /// counts: until all are known they stand together, and they are kept or let go together.
  bool in_heap_order(const Candidate& a, const Candidate& b) const;
  bool full() const { return heap_.size() >= limit_; }
  /// Whether every row of this time or later in the direction comes too late.
  bool too_late(int64_t time_ns) const;
  Result<void> scan_block(const BlocksAhead::Block& block);
  Result<void> scan_span(const OpenBlock& block, const RowSpan& span, Pipeline* pipeline);
  Result<void> offer(const Place& place, BlockView& view);
  /// A copy gives its place to the row that is kept if it arrived earlier.
  Result<bool> is_copy(const Place& place, BlockView& view);
  /// Lets go what is too much.
  void trim();

  const QueryScope& scope_;
  const ReadPlan& plan_;
  bool backward_;
  uint64_t limit_;
  RowCapture capture_;
  PipelineRow row_;
  std::vector<Candidate> heap_;              ///< the last one of the order on top
  using Tie = std::pair<uint32_t, int64_t>;  ///< ordinal and time
  std::map<Tie, size_t> ties_;               ///< rows in the heap, where blocks overlap
  std::map<std::pair<Tie, Hash128>, Place> seen_;
};

}  // namespace cordwood::query
