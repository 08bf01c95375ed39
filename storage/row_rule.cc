// SPDX-License-Identifier: Apache-2.0
#include "storage/row_rule.h"

#include <algorithm>

namespace cordwood {

std::vector<uint32_t> stream_begins(const BlockInfo& info) {
  std::vector<uint32_t> begins;
  begins.reserve(info.streams.size() + 1);
  uint32_t begin = 0;
  for (const BlockStream& part : info.streams) {
    begins.push_back(begin);
    begin += part.rows;
  }
  begins.push_back(begin);
  return begins;
}

bool RowRule::touches(const BlockInfo& info) const {
  if (info.arrival_min > arrival_cut_ || info.time_min_ns > end_ns_ || info.time_max_ns < start_ns_) return false;
  return std::any_of(info.streams.begin(), info.streams.end(), [this](const BlockStream& p) { return meets(p); });
}

Result<void> RowRule::find(const BlockSource& block, RowBits* rows) const {
  const BlockInfo& info = block.info();
  const std::vector<uint32_t> begins = stream_begins(info);
  ReadStats stats;
  TRY_ASSIGN(const bool may, predicate_->may_match(block, &stats));
  if (!may) return {};
  std::unique_ptr<BlockView> view;
  std::span<const int64_t> times;
  std::vector<RowPredicate::Span> asked;
  for (size_t i = 0; i < info.streams.size(); ++i) {
    const BlockStream& part = info.streams[i];
    if (!meets(part)) continue;
    uint32_t begin = begins[i];
    uint32_t end = begins[i + 1];
    if (!holds(part)) {
      if (view == nullptr) {
        TRY_ASSIGN(view, block.open(&stats));
        TRY_ASSIGN(times, view->times());
        if (times.size() != begins.back()) return Error::corrupt("a block has not as many times as rows");
      }
      const auto first = std::lower_bound(times.begin() + begin, times.begin() + end, start_ns_);
      const auto last = std::upper_bound(first, times.begin() + end, end_ns_);
      begin = static_cast<uint32_t>(first - times.begin());
      end = static_cast<uint32_t>(last - times.begin());
    }
    if (begin == end) continue;
    if (predicate_->takes_all_rows()) {
      for (uint32_t row = begin; row < end; ++row) rows->set(row);
    } else {
      asked.push_back({part.stream.get(), begin, end});
    }
  }
  if (asked.empty()) return {};
  if (view == nullptr) {
    TRY_ASSIGN(view, block.open(&stats));
  }
  return predicate_->mark(block, *view, asked, rows);
}

Result<std::shared_ptr<const RowBits>> RowRule::rows(const BlockSourcePtr& block) const {
  {
    const MutexLock lock(mu_);
    const auto known = known_.find(block.get());
    if (known != known_.end() && known->second.block.lock() == block) return known->second.rows;
  }
  auto found = std::make_shared<RowBits>(block->info().rows);
  TRY(find(*block, found.get()));
  if (found->none()) found = nullptr;
  const MutexLock lock(mu_);
  if (known_.size() >= prune_at_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.block.expired(); });
    prune_at_ = std::max<size_t>(256, 2 * known_.size());
  }
  const uint64_t bytes = sizeof(Known) + (found == nullptr ? 0 : block->info().rows / 8);
  known_.insert_or_assign(block.get(), Known{block, found, memory_.charge(MemoryShare::catalog, bytes)});
  return std::shared_ptr<const RowBits>(std::move(found));
}

}  // namespace cordwood
