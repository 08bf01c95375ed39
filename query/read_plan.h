// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "query/block_probes.h"
#include "query/query_engine.h"
#include "query/query_memory.h"
#include "query/read_guard.h"
#include "query/view_pool.h"
#include "storage/model/matcher.h"

namespace cordwood::query {

/// Times from the first to the last one.
struct TimeSpan {
  int64_t first_ns = 0;
  int64_t last_ns = 0;
};

/// A stream of the selector; the ordinal is its place among them by label string.
struct PlannedStream {
  StreamPtr stream;
  uint64_t hash = 0;  ///< orders rows of one time across streams, as Loki's stream hash does
  /// Where its blocks overlap, so that the same row may stand in two of them; in order, and apart.
  std::vector<TimeSpan> overlaps;

  /// The first that does not end before.
  std::vector<TimeSpan>::const_iterator next_overlap(int64_t time_ns) const {
    return std::lower_bound(overlaps.begin(), overlaps.end(), time_ns,
                            [](const TimeSpan& overlap, int64_t before_ns) { return overlap.last_ns < before_ns; });
  }
  /// Whether blocks overlap in a part of this time.
  bool contested(TimeSpan times) const {
    if (overlaps.empty()) return false;
    const auto next = next_overlap(times.first_ns);
    return next != overlaps.end() && next->first_ns <= times.last_ns;
  }
  bool contested(int64_t time_ns) const { return contested({time_ns, time_ns}); }
};

/// A block that holds rows of planned streams in range.
struct PlannedBlock {
  BlockSourcePtr source;
  int64_t time_min_ns = 0;  ///< of the planned streams' rows
  int64_t time_max_ns = 0;
  uint64_t rows = 0;  ///< of the planned streams
  uint64_t line_bytes = 0;
  bool contested = false;  ///< some of the rows lie where their stream's blocks overlap

  /// Bytes of so many of the rows, by their mean line.
  uint64_t bytes_of(uint64_t some) const { return rows > 0 ? line_bytes * some / rows : 0; }
};

/// Which rows a selector and a time range can mean.
struct ReadPlan {
  static constexpr uint32_t kFree = UINT32_MAX;
  SnapshotPtr snapshot;
  TimeRange range;
  std::vector<PlannedStream> streams;
  std::vector<PlannedBlock> blocks;
  uint64_t blocks_left_out = 0;  ///< more in range, which their segments rule out beforehand
  BlockProbes probes;            ///< blocks that they rule out are not opened

  bool has_blocks() const { return !blocks.empty() || blocks_left_out > 0; }
  /// Ordinal of a stream of a block, when it is planned.
  std::optional<uint32_t> ordinal(const Stream& stream) const;

  /// Ordinals by the hash of streams' ids: a power of two of places, of which at most half are taken.
  std::vector<uint32_t> places;
};

/// What one query works with; lives as long as the query.
struct QueryScope {
  const QueryEngine::Environment* environment = nullptr;
  const ReadContext* context = nullptr;
  ReadGuard* guard = nullptr;
  SnapshotPtr snapshot;
  uint64_t version = 0;  ///< the snapshot is at least as young as this version of the store
  QueryStats* stats = nullptr;
  QueryMemory* memory = nullptr;
  ViewPool::Read* views = nullptr;
  std::vector<std::string>* warnings = nullptr;
};

Result<ReadPlan> make_read_plan(const QueryScope& scope, TimeRange range, const LogQuery& query);
/// Of a selector alone.
Result<ReadPlan> make_read_plan(const QueryScope& scope, TimeRange range, std::span<const Matcher> matchers);

/// The same for streams and blocks that are known; of the blocks those without rows of the streams in range are left
/// out.
ReadPlan plan_streams(SnapshotPtr snapshot, TimeRange range, std::span<const StreamPtr> streams,
                      std::vector<BlockSourcePtr> sources);

/// Why a query over this plan gave nothing, in words.
std::string explain_empty(const QueryScope& scope, TimeRange range, std::span<const Matcher> matchers);

}  // namespace cordwood::query
