// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/block_view.h"

namespace cordwood::query {

/// Rows copied out of one append, in the order of arrival, as a pipeline reads a block.  Immutable once made; has no
/// runs, because nothing seeks in it.
class TailRows final : public BlockView {
 public:
  struct Row {
    int64_t time_ns = 0;
    uint64_t arrival = 0;
    std::string_view line;
    uint32_t stream = 0;
    uint32_t metadata_begin = 0;
    uint16_t metadata_count = 0;
    uint16_t derived_count = 0;
  };

  /// What a row takes as a copy.
  static uint64_t row_bytes(const RowBatch& batch, const BatchRow& row);
  /// `rows` are indexes into `batch.rows`; row i arrived as `sequence + i`.
  TailRows(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows, int64_t seen_ns);

  const Row& row(uint32_t i) const { return rows_[i]; }
  /// When the copy was made, monotonic.
  int64_t seen_ns() const { return seen_ns_; }
  uint64_t row_bytes(uint32_t i) const;
  const StreamPtr& stream_of(uint32_t row) const { return streams_[rows_[row].stream]; }

  uint32_t row_count() const override { return static_cast<uint32_t>(rows_.size()); }
  std::span<const StreamRun> runs() const override { return {}; }
  const StreamPtr& stream(uint32_t index) const override { return streams_[index]; }
  Result<std::span<const int64_t>> times() override { return std::span<const int64_t>(times_); }
  Result<std::string_view> line(uint32_t row, std::string* scratch) override;
  Result<void> metadata(uint32_t row, std::vector<MetadataPair>* out) override;
  Result<std::optional<std::string_view>> metadata_value(uint32_t row, std::string_view name) override;
  Result<uint32_t> derived_metadata_count(uint32_t row) override { return uint32_t{rows_[row].derived_count}; }
  Result<const Shape*> shape(uint32_t row) override;
  Result<std::string_view> cell(uint32_t row, const ShapeSlot& slot, std::string* scratch) override;
  Result<std::optional<int64_t>> integer_cell(uint32_t row, const ShapeSlot& slot) override;
  Result<RowBits> rows_with_text(TextNeedle needle, TextPlace place) override;
  bool searches_at_once() const override { return false; }

 private:
  std::span<const MetadataPair> pairs_of(uint32_t row) const;

  int64_t seen_ns_;
  Arena bytes_;
  std::vector<StreamPtr> streams_;
  std::vector<Row> rows_;
  std::vector<int64_t> times_;
  std::vector<MetadataPair> metadata_;
};
using TailRowsPtr = std::shared_ptr<TailRows>;

}  // namespace cordwood::query
