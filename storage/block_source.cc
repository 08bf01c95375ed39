// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "storage/block_carrier.h"
#include "storage/block_reader.h"
#include "storage/count_columns.h"
#include "storage/id_reads.h"
#include "storage/segment.h"
#include "storage/segment_index.h"
#include "storage/segment_terms.h"

namespace cordwood {

namespace {

class SealedSource final : public BlockSource {
 public:
  SealedSource(std::shared_ptr<const SealedBlock> block, std::vector<std::string> counts, uint8_t version,
               SegmentShare segment)
      : block_(std::move(block)), counts_(std::move(counts)), version_(version), segment_(std::move(segment)) {}
  const BlockInfo& info() const override { return block_->info; }
  bool in_head() const override { return block_->in_head; }
  Result<std::unique_ptr<BlockView>> open(ReadStats* stats) const override {
    TRY_ASSIGN(std::unique_ptr<BlockView> view, open_view(block_, stats));
    return view;
  }
  std::span<const int64_t> count_widths_ns() const override { return block_->summary.count_widths_ns; }
  Result<std::vector<BlockCount>> counts(size_t table) const override {
    CountColumns columns;
    TRY(count_columns(table, CountValues::all, &columns));
    return to_counts(columns);
  }
  Result<void> count_columns(size_t table, CountValues values, CountColumns* out) const override {
    CHECK(table < counts_.size(), "count table {} of {}", table, counts_.size());
    return decode_counts(counts_[table], version_, block_->info.streams.size(), values, out);
  }
  bool may_have_metadata(std::string_view name) const override {
    std::call_once(names_read_, [this] { read_names(); });
    return names_unknown_ || std::find(names_.begin(), names_.end(), name) != names_.end();
  }
  Result<bool> may_hold(const TextProbe& probe, ReadStats* stats) const override {
    if (segment_.index == nullptr) return true;
    return segment_.index->may_hold(segment_.number, probe, stats);
  }
  void add_id_reads(const TextProbe& probe, IdReads* reads) const override {
    reads->add(segment_.index, segment_.number, probe);
  }
  std::optional<PublishedBlock> published() const {
    if (block_->in_head || version_ != kEntryVersion) return std::nullopt;
    return PublishedBlock{block_, segment_};
  }
  bool may_hold_field(const FieldProbe& probe, ReadStats* stats) const override {
    return segment_.terms == nullptr || segment_.terms->may_hold(segment_.number, probe, stats);
  }

 private:
  void read_names() const {
    const auto add_all = [this]() -> Result<void> {
      TRY_ASSIGN(const EntryParts parts, decode_entry(block_->entry));
      TRY_ASSIGN(const std::string raw, unpack_part(parts.directory));
      TRY_ASSIGN(const BlockDirectory directory, decode_directory(raw, parts.summary));
      for (const ColumnMeta& column : directory.columns) {
        if (column.source == ColumnSource::metadata && !column.path.empty()) names_.push_back(column.path[0]);
        // Pairs packed into one text are not named here.
        if (column.source == ColumnSource::packed_metadata) names_unknown_ = true;
      }
      return {};
    };
    if (!add_all().ok()) names_unknown_ = true;
  }

  std::shared_ptr<const SealedBlock> block_;
  mutable std::once_flag names_read_;
  mutable std::vector<std::string> names_;
  mutable bool names_unknown_ = false;
  std::vector<std::string> counts_;  ///< unpacked
  uint8_t version_;                  ///< of the entry
  SegmentShare segment_;
};

class DamagedSource final : public BlockSource {
 public:
  DamagedSource(BlockInfo info, Error error) : info_(std::move(info)), error_(std::move(error)) {}
  const BlockInfo& info() const override { return info_; }
  bool in_head() const override { return false; }
  Result<std::unique_ptr<BlockView>> open(ReadStats*) const override { return error_; }
  std::span<const int64_t> count_widths_ns() const override { return {}; }
  Result<std::vector<BlockCount>> counts(size_t) const override { return error_; }

 private:
  BlockInfo info_;
  Error error_;
};

BlockInfo make_info(const TenantId& tenant, std::vector<StreamPtr> streams, const BlockSummary& s, size_t entry_bytes) {
  BlockInfo info;
  info.tenant = tenant;
  info.rows = s.rows;
  info.raw_bytes = s.raw_bytes;
  info.stored_bytes = s.narrow_bytes + s.heap_bytes + entry_bytes;
  info.arrival_min = s.arrival_min;
  info.arrival_max = s.arrival_max;
  info.streams.reserve(streams.size());
  for (size_t i = 0; i < streams.size(); ++i) {
    const BlockSummary::Run& r = s.runs[i];
    info.time_min_ns = i == 0 ? r.time_min_ns : std::min(info.time_min_ns, r.time_min_ns);
    info.time_max_ns = i == 0 ? r.time_max_ns : std::max(info.time_max_ns, r.time_max_ns);
    info.streams.push_back({std::move(streams[i]), r.rows, r.time_min_ns, r.time_max_ns, r.line_bytes});
  }
  return info;
}

}  // namespace

Result<BlockSourcePtr> open_block(const TenantId& tenant, std::vector<StreamPtr> streams, std::string entry,
                                  std::shared_ptr<const ByteSource> source, uint64_t narrow_offset,
                                  uint64_t heap_offset, bool in_head, const SegmentShare& segment) {
  auto block = std::make_shared<SealedBlock>();
  block->entry = std::move(entry);
  TRY_ASSIGN(const EntryParts parts, decode_entry(block->entry));
  if (parts.summary.runs.size() != streams.size()) {
    return Error::corrupt(
        fmt::format("block entry: {} runs, but {} streams", parts.summary.runs.size(), streams.size()));
  }
  std::vector<std::string> counts(parts.summary.count_widths_ns.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    TRY_ASSIGN(counts[i], unpack_part(parts.counts[i]));
  }
  block->info = make_info(tenant, std::move(streams), parts.summary, block->entry.size());
  block->summary = parts.summary;
  // `info` has them, and a block may have thousands; an assignment would keep their memory.
  std::vector<BlockSummary::Run>().swap(block->summary.runs);
  block->place = {std::move(source),          narrow_offset,           heap_offset, segment.ids,
                  parts.summary.narrow_bytes, parts.summary.heap_bytes};
  block->in_head = in_head;
  return BlockSourcePtr(std::make_shared<SealedSource>(std::move(block), std::move(counts), parts.version, segment));
}

std::optional<PublishedBlock> published_block(const BlockSource& source) {
  const auto* sealed = dynamic_cast<const SealedSource*>(&source);
  return sealed == nullptr ? std::nullopt : sealed->published();
}

BlockSourcePtr damaged_block(BlockInfo info, Error error) {
  return std::make_shared<DamagedSource>(std::move(info), std::move(error));
}

}  // namespace cordwood
