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

void BlockSums::keep(const BlockSourcePtr& block, const std::vector<Counted>& counted) {
  uint64_t most_bytes = sizeof(Known) + sizeof(OfBlock);
  for (const Counted& one : counted) most_bytes += one.key.size() + TextNumbers::kBytesPerText + sizeof(Part);
  auto sums = std::make_shared<OfBlock>();
  const MutexLock lock(mu_);
  prune();
  if (bytes_ + most_bytes > max_bytes_) return;
  sums->parts.reserve(counted.size());
  for (const Counted& one : counted) {
    bool is_new = false;
    const uint32_t series = keys_.number(one.key, &is_new);
    if (is_new) bytes_ += one.key.size() + TextNumbers::kBytesPerText;
    sums->parts.push_back({series, one.sum});
  }
  bytes_ += sums->parts.size() * sizeof(Part) + sizeof(Known) + sizeof(OfBlock);
  blocks_[block.get()] = {block, std::move(sums)};
}

void BlockSums::prune() {
  if (blocks_.size() < prune_at_) return;
  for (auto at = blocks_.begin(); at != blocks_.end();) {
    if (!at->second.block.expired()) {
      ++at;
      continue;
    }
    bytes_ -= at->second.sums->parts.size() * sizeof(Part) + sizeof(Known) + sizeof(OfBlock);
    at = blocks_.erase(at);
  }
  prune_at_ = std::max<size_t>(64, 2 * blocks_.size());
}

uint64_t BlockSums::memory_bytes() const {
  const MutexLock lock(mu_);
  return bytes_;
}

KeptSums::KeptSums(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics)
    : max_bytes_(max_bytes),
      blocks_(metrics.counter("cordwood_query_kept_blocks_total",
                              "Blocks of instant metric queries whose sums were known from a query before.")),
      bytes_(memory.charge(MemoryShare::cache, 0)) {}

std::shared_ptr<BlockSums> KeptSums::find(const std::string& question) {
  if (max_bytes_ == 0) return nullptr;
  const MutexLock lock(mu_);
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.question == question; });
  if (known != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, known);
    return known->sums;
  }
  const uint64_t hash = xxh3_64(question, reinterpret_cast<uintptr_t>(this));
  if (std::find(asked_.begin(), asked_.end(), hash) == asked_.end()) {
    asked_[next_asked_++ % kAskedOnce] = hash;
    return nullptr;
  }
  entries_.push_front({question, std::make_shared<BlockSums>(max_bytes_ / kShare)});
  return entries_.front().sums;
}

void KeptSums::finish(uint64_t blocks) {
  blocks_.add(blocks);
  const MutexLock lock(mu_);
  uint64_t bytes = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const uint64_t own = entry->sums->memory_bytes() + entry->question.size();
    if (bytes + own > max_bytes_) {
      entry = entries_.erase(entry);
    } else {
      bytes += own;
      ++entry;
    }
  }
  if (bytes > bytes_.bytes()) bytes_.charge(bytes - bytes_.bytes());
  if (bytes < bytes_.bytes()) bytes_.shrink(bytes_.bytes() - bytes);
}

}  // namespace cordwood::query
