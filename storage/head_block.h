// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/base/arena.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/mutex.h"
#include "storage/block_view.h"
#include "storage/head_counts.h"
#include "storage/model/row_batch.h"

namespace cordwood {

/// Elements that never move.  One writer appends; a reader that learnt a count under the writer's lock may read all
/// elements below it without any lock.
template <typename T>
class StableVector {
 public:
  void push_back(T value) {
    const Place at = place(size_);
    CHECK(at.chunk < kChunks, "{} elements are too many", size_);
    if (chunks_[at.chunk] == nullptr) {
      chunks_[at.chunk] = std::make_unique<T[]>(at.chunk_size);
      reserved_ += at.chunk_size * sizeof(T);
    }
    chunks_[at.chunk][at.offset] = std::move(value);
    ++size_;
  }
  const T& operator[](uint32_t i) const {
    const Place at = place(i);
    return chunks_[at.chunk][at.offset];
  }
  uint32_t size() const { return size_; }              ///< the writer's view
  size_t reserved_bytes() const { return reserved_; }  ///< likewise

 private:
  /// Element i + kBase lies in one of the four chunks that share the range between two powers of two; so space that
  /// is not used yet is a fifth at most.
  static constexpr uint64_t kBase = 16;
  static constexpr int kBaseWidth = 5;
  static constexpr size_t kChunks = 4 * 20;
  struct Place {
    size_t chunk;
    uint64_t offset;
    uint64_t chunk_size;
  };
  static Place place(uint64_t i) {
    const uint64_t shifted = i + kBase;
    const int width = std::bit_width(shifted);
    const uint64_t chunk_size = uint64_t{1} << (width - 3);
    const auto quarter = static_cast<size_t>((shifted >> (width - 3)) & 3);
    return {static_cast<size_t>(width - kBaseWidth) * 4 + quarter, shifted & (chunk_size - 1), chunk_size};
  }
  std::array<std::unique_ptr<T[]>, kChunks> chunks_;
  uint32_t size_ = 0;
  size_t reserved_ = 0;
};

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
  HeadBlock(TenantId tenant, MemoryAccountant& memory);

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

 private:
  /// What the writer needs of a stream to tell duplicates.
  struct StreamState {
    int64_t newest_ns = 0;
    uint32_t last_row = 0;  ///< one more than the index; 0 = none
    bool indexed = false;   ///< its rows are in index_
  };
  bool is_duplicate(const HeadRow& row);
  bool in_tail(const HeadRow& row, uint32_t last_row, bool* decided) const;
  uint64_t content_hash(const HeadRow& row) const;
  const MetadataPair* keep_metadata(const HeadRow& given, uint32_t last_row);
  bool find_or_index(uint64_t hash, const HeadRow& row, uint32_t number);
  void index_stream(StreamState& state);
  void grow_index();
  void count_memory();
  /// Counts on up to a prefix; rows beyond it may be counted, too.
  void count_up_to(const HeadPrefix& prefix) const REQUIRES(info_mu_);

  const TenantId tenant_;
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
  MemoryReservation memory_;

  mutable Mutex info_mu_;
  mutable std::shared_ptr<const BlockInfo> info_ GUARDED_BY(info_mu_);  ///< of the first info_->rows rows
  mutable HeadCounts counts_ GUARDED_BY(info_mu_);                      ///< of the first counts_.rows() rows
};

/// Row numbers of a prefix by (stream number, time, arrival); `run_ends[s]` is where stream s ends.
struct SortedHeadRows {
  std::vector<uint32_t> order;
  std::vector<uint32_t> run_ends;
};
SortedHeadRows sort_head_rows(const HeadPrefix& prefix);

}  // namespace cordwood
