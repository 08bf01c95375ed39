// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "query/open_block.h"
#include "query/trace_answer.h"
#include "query/trace_matcher.h"

namespace cordwood::query {

/// Copies one row for an answer and adds it to its memory.
Result<TraceLine> read_trace_line(const QueryScope& scope, BlockView& view, uint32_t row, int64_t time_ns,
                                  StreamPtr stream);
void count_trace_line(const TraceLine& line, TraceAnswer* answer);
uint64_t memory_bytes(const TraceLine& line);

/// Finds the lines of a trace in a tenant's blocks.  Blocks whose index rules every spelling out are not opened; in
/// the others the columns name the rows, and each row is checked as text.  Copies of a row count once.
class TraceLookup {
 public:
  TraceLookup(const QueryScope& scope, TraceMatcher* matcher, uint64_t limit);
  Result<void> run(TimeRange range);

  /// A stream with lines of the trace.
  struct Part {
    StreamPtr stream;
    int64_t first_ns = 0;
    int64_t last_ns = 0;
  };
  const std::map<std::string, Part>& parts() const { return parts_; }  ///< by label string
  bool found() const { return !parts_.empty(); }
  const TraceId& id() const { return matcher_->id(); }
  /// Puts id, bounds, services and the first `limit` lines in order into the answer.
  void finish(TraceAnswer* answer) &&;

 private:
  struct Place {
    int64_t time_ns = 0;
    const Stream* stream = nullptr;
    uint64_t arrival = 0;
    uint32_t row = 0;
  };
  struct Kept {
    Place place;
    TraceLine line;
  };
  static bool before(const Place& a, const Place& b);

  bool stream_belongs(const StreamPtr& stream);
  Result<void> scan_block(const BlockSource& source, TimeRange range);
  /// Texts to look for in the block's rows; none when it cannot hold the id.
  Result<std::vector<std::string>> needles(const BlockSource& source) const;
  static Result<RowBits> candidates(BlockView& view, const std::vector<std::string>& needles);
  Result<void> scan_run(const BlockSource& source, BlockView& view, const StreamRun& run,
                        std::span<const int64_t> times, TimeRange range, const RowBits& candidates);
  Result<bool> row_belongs(BlockView& view, uint32_t row);
  Result<void> take(const BlockSource& source, BlockView& view, const StreamPtr& stream, uint32_t row, int64_t time_ns);

  const QueryScope& scope_;
  TraceMatcher* matcher_;
  uint64_t limit_;
  std::vector<TraceSpelling> spellings_;
  std::unordered_map<StreamPtr, bool> streams_;  ///< whether all lines of a stream belong
  std::vector<Kept> kept_;                       ///< a heap, the last one in order on top
  std::map<std::string, Part> parts_;
  std::set<std::tuple<Hash128, int64_t, Hash128>> seen_;  ///< stream, time, bytes
  TraceAnswer counts_;
  std::vector<MetadataPair> pairs_;
  std::string scratch_;
};

}  // namespace cordwood::query
