// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/base/arena.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/mutex.h"
#include "storage/block_view.h"
#include "storage/head_counts.h"
#include "storage/head_searches.h"
#include "storage/head_shreds.h"
#include "storage/model/row_batch.h"
#include "storage/stable_vector.h"

namespace cordwood {

/// A row of the head; its bytes lie in the block's arenas.
struct HeadRow {
  const char* line_data = nullptr;
  int64_t time_ns = 0;
  const MetadataPair* metadata_data = nullptr;
  uint32_t line_bytes = 0;
  uint32_t stream = 0;    ///< number of the stream within the block
  uint32_t previous = 0;  ///< one more than the row before it in the same stream, 0 for the first
  uint16_t metadata_count = 0;
  uint16_t derived_count = 0;

  std::string_view line() const { return {line_data, line_bytes}; }
  std::span<const MetadataPair> metadata() const { return {metadata_data, metadata_count}; }
  std::span<const MetadataPair> sent_metadata() const {
    return {metadata_data, static_cast<size_t>(metadata_count - derived_count)};
  }
};

/// `stream`: the row's number for its stream in the block.
inline HeadRow head_row_of(const RowBatch& batch, const BatchRow& row, uint32_t stream) {
  HeadRow head;
  head.line_data = row.line.data();
  head.line_bytes = static_cast<uint32_t>(row.line.size());
  head.time_ns = row.time_ns;
  head.metadata_data = batch.metadata.data() + row.metadata_begin;
  head.metadata_count = row.metadata_count;
  head.derived_count = row.derived_count;
  head.stream = stream;
  return head;
}

class HeadBlock;

/// The rows a block held at one moment.  Cheap to copy; keeps the block alive.
struct HeadPrefix {
  std::shared_ptr<const HeadBlock> block;
  uint32_t rows = 0;
  uint32_t streams = 0;
  uint64_t raw_bytes = 0;
  uint64_t arrival_max = 0;
};

/// Rows of one family and UTC day in the order of their arrival, not sealed yet.  Writers (append, add_stream,
/// prefix) hold the generation's lock; a prefix may be read by any thread without one.
class HeadBlock {
 public:
  /// With fewer than `keeps_from_rows` rows nothing is kept for the next query.
  HeadBlock(TenantId tenant, MemoryAccountant& memory, uint32_t keeps_from_rows = 0);

  const TenantId& tenant() const { return tenant_; }
  /// Numbers count up from 0.
  uint32_t add_stream(StreamPtr stream);
  /// False when an equal row (stream, time, line, sent metadata) is there already.  Arrivals ascend.
  bool append(const HeadRow& row, uint64_t arrival);

  uint32_t row_count() const { return rows_.size(); }
  uint32_t stream_count() const { return streams_.size(); }
  uint64_t raw_bytes() const { return raw_bytes_; }
  uint64_t memory_bytes() const { return memory_.bytes(); }
  uint64_t arrival_min() const { return arrival_min_; }
  uint64_t arrival_max() const { return arrival_max_; }

  const HeadRow& row(uint32_t i) const { return rows_[i]; }
  const StreamPtr& stream(uint32_t number) const { return streams_[number]; }
  /// What BlockSource::info() says of a prefix.  Any thread.  Counts on from the last prefix asked for.
  std::shared_ptr<const BlockInfo> info(const HeadPrefix& prefix) const;
  /// The count table of a prefix (storage/head_counts.h), or null.  Likewise.
  std::shared_ptr<const std::vector<BlockCount>> counts(const HeadPrefix& prefix) const;
  /// False when no row of a prefix has metadata of this name.  Likewise.
  bool may_have_metadata(const HeadPrefix& prefix, std::string_view name) const;
  /// The lines of a prefix as shapes and cells, as many as `rows` says, from the first; null: none.  Any thread.
  const HeadShreds* shreds(const HeadPrefix& prefix, uint32_t* rows) const;
  /// Rows of a prefix whose line holds the needle.  Any thread.
  RowBits rows_with(const HeadPrefix& prefix, TextNeedle needle) const;

 private:
  /// What the writer needs of a stream to tell duplicates.
  struct StreamState {
    int64_t newest_ns = 0;
    uint32_t last_row = 0;  ///< one more than the index; 0 = none
    /// Rows, likewise, with other metadata than that one and each other: the latest that had some.
    std::array<uint32_t, 3> others{};
    bool indexed = false;  ///< its rows are in index_
  };
  bool is_duplicate(const HeadRow& row);
  bool in_tail(const HeadRow& row, uint32_t last_row, bool* decided) const;
  uint64_t content_hash(const HeadRow& row) const;
  const MetadataPair* keep_metadata(const HeadRow& given, StreamState* state);
  bool find_or_index(uint64_t hash, const HeadRow& row, uint32_t number);
  void index_stream(StreamState& state);
  void grow_index();
  void count_memory();
  /// Counts on up to a prefix; rows beyond it may be counted, too.
  void count_up_to(const HeadPrefix& prefix) const REQUIRES(info_mu_);

  const TenantId tenant_;
  const uint32_t keeps_from_rows_;
  const uint64_t seed_;
  StableVector<HeadRow> rows_;
  StableVector<StreamPtr> streams_;
  std::vector<StreamState> states_;
  Arena lines_;
  Arena pairs_;
  std::vector<uint64_t> index_;  ///< open addressing: 32 bits of hash, then row number + 1; 0 = free
  size_t indexed_ = 0;
  uint64_t raw_bytes_ = 0;
  uint64_t arrival_min_ = 0;
  uint64_t arrival_max_ = 0;
  MemoryAccountant& accountant_;
  MemoryReservation memory_;

  mutable Mutex info_mu_;
  mutable std::shared_ptr<const BlockInfo> info_ GUARDED_BY(info_mu_);   ///< of the first info_->rows rows
  mutable HeadCounts counts_ GUARDED_BY(info_mu_);                       ///< of the first counts_.rows() rows
  mutable std::unique_ptr<HeadShreds> shreds_ GUARDED_BY(info_mu_);      ///< null until asked for
  mutable std::unique_ptr<HeadSearches> searches_ GUARDED_BY(info_mu_);  ///< likewise
};

/// Row numbers of a prefix by (stream number, time, arrival); `run_ends[s]` is where stream s ends.
struct SortedHeadRows {
  std::vector<uint32_t> order;
  std::vector<uint32_t> run_ends;
};
SortedHeadRows sort_head_rows(const HeadPrefix& prefix);

}  // namespace cordwood
