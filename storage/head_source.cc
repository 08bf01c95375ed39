// SPDX-License-Identifier: Apache-2.0
#include "storage/head_source.h"

#include "storage/column_text.h"
#include "storage/row_search.h"

namespace cordwood {

namespace {

/// The order of a prefix, worked out once for all who open it.
struct HeadOrder {
  std::vector<uint32_t> rows;
  std::vector<int64_t> times_ns;
  std::vector<StreamRun> runs;
};

std::shared_ptr<const HeadOrder> order_of(const HeadPrefix& prefix, const BlockInfo& info) {
  auto order = std::make_shared<HeadOrder>();
  SortedHeadRows sorted = sort_head_rows(prefix);
  order->rows = std::move(sorted.order);
  order->times_ns.reserve(order->rows.size());
  for (const uint32_t row : order->rows) order->times_ns.push_back(prefix.block->row(row).time_ns);
  uint32_t begin = 0;
  for (uint32_t stream = 0; stream < sorted.run_ends.size(); ++stream) {
    const uint32_t end = sorted.run_ends[stream];
    const BlockStream& known = info.streams[stream];
    order->runs.push_back({stream, begin, end, known.time_min_ns, known.time_max_ns});
    begin = end;
  }
  return order;
}

class HeadView final : public BlockView {
 public:
  HeadView(HeadPrefix prefix, std::shared_ptr<const BlockInfo> info, std::shared_ptr<const HeadOrder> order,
           ReadStats* stats)
      : prefix_(std::move(prefix)), info_(std::move(info)), order_(std::move(order)), stats_(stats) {}

  uint32_t row_count() const override { return prefix_.rows; }
  std::span<const StreamRun> runs() const override { return order_->runs; }
  const StreamPtr& stream(uint32_t index) const override {
    CHECK(index < info_->streams.size(), "stream {} of {}", index, info_->streams.size());
    return info_->streams[index].stream;
  }
  Result<std::span<const int64_t>> times() override {
    count_rows();
    return std::span<const int64_t>(order_->times_ns);
  }
  Result<std::string_view> line(uint32_t row, std::string*) override {
    count_rows();
    return at(row).line();
  }
  Result<void> metadata(uint32_t row, std::vector<MetadataPair>* out) override {
    count_rows();
    const auto pairs = at(row).metadata();
    out->insert(out->end(), pairs.begin(), pairs.end());
    return {};
  }
  Result<std::optional<std::string_view>> metadata_value(uint32_t row, std::string_view name) override {
    count_rows();
    for (const MetadataPair& pair : at(row).metadata()) {
      if (pair.name == name) return std::optional<std::string_view>(pair.value);
    }
    return std::optional<std::string_view>();
  }
  Result<uint32_t> derived_metadata_count(uint32_t row) override { return uint32_t{at(row).derived_count}; }

  Result<const Shape*> shape(uint32_t row) override {
    count_rows();
    if (!asked_for_shreds_) shreds_ = prefix_.block->shreds(prefix_, &rows_cut_);
    asked_for_shreds_ = true;
    const uint32_t by_arrival = order_->rows[row];
    return by_arrival < rows_cut_ ? shreds_->shape(by_arrival) : nullptr;
  }
  Result<std::string_view> cell(uint32_t row, const ShapeSlot& slot, std::string*) override {
    CHECK(order_->rows[row] < rows_cut_, "a cell of row {} without its shape", row);
    return shreds_->cell(order_->rows[row], at(row).line(), slot);
  }
  Result<std::optional<int64_t>> integer_cell(uint32_t row, const ShapeSlot& slot) override {
    TRY_ASSIGN(const std::string_view text, cell(row, slot, nullptr));
    int64_t value = 0;
    return parse_integer(text, &value) ? std::optional(value) : std::nullopt;
  }
  Result<RowBits> rows_with_text(TextNeedle needle, TextPlace place) override {
    if (place != TextPlace::line) return search_rendered(*this, needle, place);
    count_rows();
    const RowBits by_arrival = prefix_.block->rows_with(prefix_, needle);
    RowBits found(row_count());
    if (by_arrival.none()) return found;
    for (uint32_t row = 0; row < row_count(); ++row) {
      if (by_arrival.test(order_->rows[row])) found.set(row);
    }
    return found;
  }
  bool searches_at_once() const override { return true; }

 private:
  const HeadRow& at(uint32_t row) const {
    CHECK(row < order_->rows.size(), "row {} of {}", row, order_->rows.size());
    return prefix_.block->row(order_->rows[row]);
  }
  void count_rows() {
    if (counted_ || stats_ == nullptr) return;
    counted_ = true;
    stats_->head_rows += prefix_.rows;
  }

  HeadPrefix prefix_;
  std::shared_ptr<const BlockInfo> info_;
  std::shared_ptr<const HeadOrder> order_;
  ReadStats* stats_;
  bool counted_ = false;
  bool asked_for_shreds_ = false;
  uint32_t rows_cut_ = 0;
  const HeadShreds* shreds_ = nullptr;  ///< the block's; it has the first rows_cut_ rows
};

class HeadSource final : public BlockSource {
 public:
  explicit HeadSource(HeadPrefix prefix) : prefix_(std::move(prefix)), info_(prefix_.block->info(prefix_)) {}

  const BlockInfo& info() const override { return *info_; }
  bool in_head() const override { return true; }
  Result<std::unique_ptr<BlockView>> open(ReadStats* stats) const override {
    std::shared_ptr<const HeadOrder> order;
    {
      const MutexLock lock(mu_);
      if (order_ == nullptr) order_ = order_of(prefix_, *info_);
      order = order_;
    }
    return std::unique_ptr<BlockView>(std::make_unique<HeadView>(prefix_, info_, std::move(order), stats));
  }
  std::span<const int64_t> count_widths_ns() const override {
    static constexpr int64_t kWidths[] = {HeadCounts::kWidthNs};
    return table() == nullptr ? std::span<const int64_t>() : std::span<const int64_t>(kWidths);
  }
  Result<std::vector<BlockCount>> counts(size_t) const override { return *table(); }
  bool may_have_metadata(std::string_view name) const override {
    return prefix_.block->may_have_metadata(prefix_, name);
  }

 private:
  std::shared_ptr<const std::vector<BlockCount>> table() const {
    const MutexLock lock(mu_);
    if (!counted_) counts_ = prefix_.block->counts(prefix_);
    counted_ = true;
    return counts_;
  }

  const HeadPrefix prefix_;
  const std::shared_ptr<const BlockInfo> info_;
  mutable Mutex mu_;
  mutable std::shared_ptr<const HeadOrder> order_ GUARDED_BY(mu_);
  mutable bool counted_ GUARDED_BY(mu_) = false;
  mutable std::shared_ptr<const std::vector<BlockCount>> counts_ GUARDED_BY(mu_);
};

}  // namespace

BlockSourcePtr make_head_source(HeadPrefix prefix) {
  return std::make_shared<HeadSource>(std::move(prefix));
}

}  // namespace cordwood
