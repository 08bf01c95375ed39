// SPDX-License-Identifier: Apache-2.0
#include "query/kept_sums.h"

#include <algorithm>

#include "storage/base/checksum.h"

namespace cordwood::query {

std::shared_ptr<const BlockSums::OfBlock> BlockSums::find(const BlockSourcePtr& block) const {
  const MutexLock lock(mu_);
  const auto known = blocks_.find(block.get());
  // Another block may lie where one that is gone was.
  if (known == blocks_.end() || known->second.block.lock() != block) return nullptr;
  return known->second.sums;
}

uint64_t BlockSums::bytes_of(const OfBlock& sums) {
  return sizeof(Known) + sizeof(OfBlock) + sums.parts.size() * sizeof(Part) + sums.cells.size() * sizeof(Cell);
}

void BlockSums::keep(const BlockSourcePtr& block, const SeriesTable& table, OfBlock counted) {
  auto sums = std::make_shared<OfBlock>(std::move(counted));
  const uint64_t own_bytes = bytes_of(*sums);
  uint64_t most_bytes = own_bytes;
  for (const Part& one : sums->parts) most_bytes += table.keys().bytes_of(one.series);
  const MutexLock lock(mu_);
  prune();
  if (bytes_ + most_bytes > max_bytes_ && sums->from_ns != kWhole) forget_blocks();
  if (bytes_ + most_bytes > max_bytes_) return;
  NumberedTexts::Translation numbers(table.keys(), &keys_);
  for (Part& one : sums->parts) {
    bool is_new = false;
    one.series = numbers.number(one.series, &is_new);
    if (is_new) bytes_ += keys_.bytes_of(one.series);
  }
  has_errors_ = has_errors_ || table.may_have_errors();
  Known& known = blocks_[block.get()];
  if (known.sums != nullptr) bytes_ -= bytes_of(*known.sums);
  bytes_ += own_bytes;
  known = {block, std::move(sums)};
}

void BlockSums::forget_blocks() {
  for (const auto& [block, known] : blocks_) bytes_ -= bytes_of(*known.sums);
  blocks_.clear();
}

void BlockSums::prune() {
  if (blocks_.size() < prune_at_) return;
  for (auto at = blocks_.begin(); at != blocks_.end();) {
    if (!at->second.block.expired()) {
      ++at;
      continue;
    }
    bytes_ -= bytes_of(*at->second.sums);
    at = blocks_.erase(at);
  }
  prune_at_ = std::max<size_t>(64, 2 * blocks_.size());
}

std::vector<std::optional<uint32_t>> BlockSums::numbers_of(const SeriesTable& table) const {
  std::vector<std::optional<uint32_t>> numbers(table.size());
  std::string key;
  const MutexLock lock(mu_);
  for (uint32_t series = 0; series < numbers.size(); ++series) {
    key.clear();
    table.keys().append(series, &key);
    numbers[series] = keys_.find(key);
  }
  return numbers;
}

std::string BlockSums::key(uint32_t number) const {
  std::string key;
  const MutexLock lock(mu_);
  keys_.append(number, &key);
  return key;
}

bool BlockSums::may_have_errors() const {
  const MutexLock lock(mu_);
  return has_errors_;
}

uint64_t BlockSums::memory_bytes() const {
  const MutexLock lock(mu_);
  return bytes_;
}

KeptSums::KeptSums(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics)
    : max_bytes_(max_bytes),
      blocks_(metrics.counter("cordwood_query_kept_blocks_total",
                              "Blocks of metric queries whose sums were known from a query before.")),
      entries_(max_bytes, memory) {}

std::shared_ptr<BlockSums> KeptSums::find(const std::string& question) {
  if (max_bytes_ == 0) return nullptr;
  const MutexLock lock(mu_);
  if (auto known = entries_.find(question)) return known;
  const uint64_t hash = xxh3_64(question, reinterpret_cast<uintptr_t>(this));
  if (std::find(asked_.begin(), asked_.end(), hash) == asked_.end()) {
    asked_[next_asked_++ % kAskedOnce] = hash;
    return nullptr;
  }
  auto sums = std::make_shared<BlockSums>(max_bytes_ / kShare);
  entries_.put(question, sums, sums->memory_bytes());
  return sums;
}

void KeptSums::finish(const std::string& question, const std::shared_ptr<BlockSums>& sums, uint64_t blocks) {
  blocks_.add(blocks);
  const uint64_t bytes = sums->memory_bytes();
  const MutexLock lock(mu_);
  entries_.put(question, sums, bytes);
}

}  // namespace cordwood::query
