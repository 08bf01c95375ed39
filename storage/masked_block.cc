// SPDX-License-Identifier: Apache-2.0
#include "storage/masked_block.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "storage/block_count_table.h"
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
  Result<uint64_t> line_bytes(uint32_t row) override { return view_->line_bytes(at(row)); }
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
  bool searches_at_once() const override { return view_->searches_at_once(); }

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

/// Takes hidden rows out of what is known of their streams, and gathers what they add to the finest count table.
class HiddenRows {
 public:
  HiddenRows(const BlockSource& block, const RowBits& kept, MaskedBlock* out)
      : block_(block), kept_(kept), out_(*out) {}

  Result<void> leave_out(uint32_t stream, uint32_t begin, uint32_t end, BlockStream* part) {
    if (view_ == nullptr) {
      TRY_ASSIGN(view_, block_.open(&stats_));
    }
    TRY_ASSIGN(const std::span<const int64_t> times, view_->times());
    if (times.size() < end) return Error::corrupt("a block has not as many times as rows");
    part->time_min_ns = times[kept_.next(begin)];
    for (uint32_t row = begin; row < end; ++row) {
      if (kept_.test(row)) {
        part->time_max_ns = times[row];
        out_.gaps += row + 1 < end && !kept_.test(row + 1) ? 1 : 0;
        continue;
      }
      TRY(count(row, times[row], part));
    }
    for (auto& [key, sum] : sums_) {
      sum.stream = stream;
      sum.bucket = key.first;
      sum.level = key.second;
      out_.gone.push_back(sum);
    }
    sums_.clear();
    return {};
  }

 private:
  Result<void> count(uint32_t row, int64_t time_ns, BlockStream* part) {
    --part->rows;
    TRY_ASSIGN(const std::string_view line, view_->line(row, &scratch_));
    part->line_bytes -= std::min<uint64_t>(line.size(), part->line_bytes);
    if (out_.width_ns == 0) return {};
    pairs_.clear();
    TRY(view_->metadata(row, &pairs_));
    const std::string_view level = *out_.levels->emplace(counted_level(pairs_)).first;
    count_row(line.size(), pairs_, &sums_[{count_bucket(time_ns, out_.width_ns), level}]);
    return {};
  }

  const BlockSource& block_;
  const RowBits& kept_;
  MaskedBlock& out_;
  std::unique_ptr<BlockView> view_;
  ReadStats stats_;
  std::string scratch_;
  std::vector<MetadataPair> pairs_;
  std::map<std::pair<int64_t, std::string_view>, BlockCount> sums_;  ///< of one stream
};

}  // namespace

std::unique_ptr<BlockView> make_masked_view(std::unique_ptr<BlockView> view, const MaskedBlock& masked) {
  return std::make_unique<MaskedView>(std::move(view), *masked.kept, masked.info);
}

Result<MaskedBlock> mask_block(const BlockSource& block, std::shared_ptr<const RowBits> kept) {
  const BlockInfo& whole = block.info();
  const std::vector<uint32_t> begins = stream_begins(whole);
  MaskedBlock out;
  out.kept = std::move(kept);
  out.info = whole;
  out.info.streams.clear();
  out.info.rows = 0;
  out.levels = std::make_shared<std::set<std::string, std::less<>>>();
  if (!block.count_widths_ns().empty()) out.width_ns = block.count_widths_ns()[0];
  HiddenRows hidden(block, *out.kept, &out);
  uint64_t line_bytes = 0;
  uint64_t whole_line_bytes = 0;
  for (uint32_t i = 0; i < whole.streams.size(); ++i) {
    BlockStream part = whole.streams[i];
    whole_line_bytes += part.line_bytes;
    uint32_t rows = 0;
    for (uint32_t row = out.kept->next(begins[i]); row < begins[i + 1]; row = out.kept->next(row + 1)) ++rows;
    out.stream_of.push_back(rows == 0 ? MaskedBlock::kNoStream : static_cast<uint32_t>(out.info.streams.size()));
    if (rows == 0) continue;
    if (rows < part.rows) TRY(hidden.leave_out(i, begins[i], begins[i + 1], &part));
    out.info.rows += part.rows;
    line_bytes += part.line_bytes;
    out.info.streams.push_back(std::move(part));
  }
  // Metadata by the part of the rows: nobody asks it to be exact.
  const uint64_t metadata_bytes = whole.raw_bytes - std::min(whole.raw_bytes, whole_line_bytes);
  out.info.raw_bytes = line_bytes + (whole.rows == 0 ? 0 : metadata_bytes * out.info.rows / whole.rows);
  return out;
}

std::vector<BlockCount> MaskedBlock::counts(std::vector<BlockCount> all, int64_t table_width_ns) const {
  // Widths are multiples of each other, so buckets of the finest table lie within those of any.
  std::map<std::tuple<uint32_t, int64_t, std::string_view>, BlockCount> sums;
  for (const BlockCount& count : gone) {
    BlockCount& sum = sums[{count.stream, count_bucket(count.bucket * width_ns, table_width_ns), count.level}];
    sum.rows += count.rows;
    sum.line_bytes += count.line_bytes;
    sum.metadata_bytes += count.metadata_bytes;
  }
  std::vector<BlockCount> left;
  left.reserve(all.size());
  for (BlockCount& count : all) {
    if (count.stream >= stream_of.size() || stream_of[count.stream] == kNoStream) continue;
    const auto sum = sums.find({count.stream, count.bucket, count.level});
    if (sum != sums.end()) {
      count.rows -= std::min(count.rows, sum->second.rows);
      count.line_bytes -= std::min(count.line_bytes, sum->second.line_bytes);
      count.metadata_bytes -= std::min(count.metadata_bytes, sum->second.metadata_bytes);
    }
    if (count.rows == 0) continue;
    count.stream = stream_of[count.stream];
    left.push_back(count);
  }
  return left;
}

}  // namespace cordwood
