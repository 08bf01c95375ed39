// SPDX-License-Identifier: Apache-2.0
#include "storage/masked_block.h"

#include <algorithm>

#include "storage/row_rule.h"

namespace cordwood {

namespace {

class MaskedView final : public BlockView {
 public:
  MaskedView(std::unique_ptr<BlockView> view, const RowBits& kept, const BlockInfo& info) : view_(std::move(view)) {
    rows_.reserve(kept.count());
    for (const StreamRun& run : view_->runs()) {
      const auto begin = static_cast<uint32_t>(rows_.size());
      for (uint32_t row = kept.next(run.row_begin); row < run.row_end; row = kept.next(row + 1)) rows_.push_back(row);
      const auto end = static_cast<uint32_t>(rows_.size());
      if (begin == end) continue;
      if (streams_.size() == info.streams.size()) break;
      const BlockStream& part = info.streams[streams_.size()];
      runs_.push_back({static_cast<uint32_t>(streams_.size()), begin, end, part.time_min_ns, part.time_max_ns});
      streams_.push_back(run.stream);
    }
  }

  uint32_t row_count() const override { return static_cast<uint32_t>(rows_.size()); }
  std::span<const StreamRun> runs() const override { return runs_; }
  const StreamPtr& stream(uint32_t index) const override {
    CHECK(index < streams_.size(), "stream {} of {}", index, streams_.size());
    return view_->stream(streams_[index]);
  }
  Result<std::span<const int64_t>> times() override {
    if (times_.size() != rows_.size()) {
      TRY_ASSIGN(const std::span<const int64_t> all, view_->times());
      times_.reserve(rows_.size());
      for (const uint32_t row : rows_) times_.push_back(all[row]);
    }
    return std::span<const int64_t>(times_);
  }
  Result<std::string_view> line(uint32_t row, std::string* scratch) override { return view_->line(at(row), scratch); }
  Result<void> metadata(uint32_t row, std::vector<MetadataPair>* out) override { return view_->metadata(at(row), out); }
  Result<std::optional<std::string_view>> metadata_value(uint32_t row, std::string_view name) override {
    return view_->metadata_value(at(row), name);
  }
  Result<uint32_t> derived_metadata_count(uint32_t row) override { return view_->derived_metadata_count(at(row)); }
  Result<const Shape*> shape(uint32_t row) override { return view_->shape(at(row)); }
  Result<std::string_view> cell(uint32_t row, const ShapeSlot& slot, std::string* scratch) override {
    return view_->cell(at(row), slot, scratch);
  }
  Result<std::optional<int64_t>> integer_cell(uint32_t row, const ShapeSlot& slot) override {
    return view_->integer_cell(at(row), slot);
  }
  Result<RowBits> rows_with_text(TextNeedle needle, TextPlace place) override {
    TRY_ASSIGN(const RowBits all, view_->rows_with_text(needle, place));
    RowBits found(row_count());
    for (uint32_t row = 0; row < row_count(); ++row) {
      if (all.test(rows_[row])) found.set(row);
    }
    return found;
  }
  bool in_columns() const override { return view_->in_columns(); }

 private:
  uint32_t at(uint32_t row) const {
    CHECK(row < rows_.size(), "row {} of {}", row, rows_.size());
    return rows_[row];
  }

  const std::unique_ptr<BlockView> view_;
  std::vector<uint32_t> rows_;     ///< theirs
  std::vector<uint32_t> streams_;  ///< theirs
  std::vector<StreamRun> runs_;
  std::vector<int64_t> times_;
};

/// Takes the rows of a stream that are not kept out of what is known of it.
Result<void> leave_out(BlockView& view, const RowBits& kept, uint32_t begin, uint32_t end, BlockStream* part) {
  TRY_ASSIGN(const std::span<const int64_t> times, view.times());
  if (times.size() < end) return Error::corrupt("a block has not as many times as rows");
  const uint32_t first = kept.next(begin);
  part->time_min_ns = times[first];
  std::string scratch;
  for (uint32_t row = begin; row < end; ++row) {
    if (kept.test(row)) {
      part->time_max_ns = times[row];
      continue;
    }
    --part->rows;
    TRY_ASSIGN(const std::string_view line, view.line(row, &scratch));
    part->line_bytes -= std::min<uint64_t>(line.size(), part->line_bytes);
  }
  return {};
}

}  // namespace

std::unique_ptr<BlockView> make_masked_view(std::unique_ptr<BlockView> view, const RowBits& kept,
                                            const BlockInfo& info) {
  return std::make_unique<MaskedView>(std::move(view), kept, info);
}

Result<BlockInfo> masked_info(const BlockSource& block, const RowBits& kept) {
  const BlockInfo& whole = block.info();
  const std::vector<uint32_t> begins = stream_begins(whole);
  BlockInfo info = whole;
  info.streams.clear();
  info.rows = 0;
  std::unique_ptr<BlockView> view;
  ReadStats stats;
  uint64_t line_bytes = 0;
  uint64_t whole_line_bytes = 0;
  for (size_t i = 0; i < whole.streams.size(); ++i) {
    BlockStream part = whole.streams[i];
    whole_line_bytes += part.line_bytes;
    uint32_t rows = 0;
    for (uint32_t row = kept.next(begins[i]); row < begins[i + 1]; row = kept.next(row + 1)) ++rows;
    if (rows == 0) continue;
    if (rows < part.rows) {
      if (view == nullptr) {
        TRY_ASSIGN(view, block.open(&stats));
      }
      TRY(leave_out(*view, kept, begins[i], begins[i + 1], &part));
    }
    info.rows += part.rows;
    line_bytes += part.line_bytes;
    info.streams.push_back(std::move(part));
  }
  // Metadata by the part of the rows: nobody asks it to be exact.
  const uint64_t metadata_bytes = whole.raw_bytes - std::min(whole.raw_bytes, whole_line_bytes);
  info.raw_bytes = line_bytes + (whole.rows == 0 ? 0 : metadata_bytes * info.rows / whole.rows);
  return info;
}

}  // namespace cordwood
