// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>

#include "storage/base/memory_accountant.h"
#include "storage/base/mutex.h"
#include "storage/row_predicate.h"

namespace cordwood {

/// Row ranges of a block's streams, which lie one after the other as its info lists them.
std::vector<uint32_t> stream_begins(const BlockInfo& info);

/// A predicate within a closed range of time and up to an arrival: which rows of a block it means.  Remembers that by
/// block for as long as the block lives.  Thread-safe.
class RowRule {
 public:
  RowRule(std::shared_ptr<const RowPredicate> predicate, int64_t start_ns, int64_t end_ns, uint64_t arrival_cut,
          MemoryAccountant& memory)
      : predicate_(std::move(predicate)),
        start_ns_(start_ns),
        end_ns_(end_ns),
        arrival_cut_(arrival_cut),
        memory_(memory) {}

  /// Whether rows of a block may be meant, by what is known of it without reading.
  bool touches(const BlockInfo& info) const;
  /// The rows, or null when none is meant.
  Result<std::shared_ptr<const RowBits>> rows(const BlockSourcePtr& block) const;
  uint64_t arrival_cut() const { return arrival_cut_; }

 private:
  struct Known {
    std::weak_ptr<const BlockSource> block;
    std::shared_ptr<const RowBits> rows;
    MemoryReservation memory;
  };
  bool meets(const BlockStream& part) const {
    return part.rows > 0 && part.time_min_ns <= end_ns_ && part.time_max_ns >= start_ns_ &&
           predicate_->matches(*part.stream);
  }
  bool holds(const BlockStream& part) const { return part.time_min_ns >= start_ns_ && part.time_max_ns <= end_ns_; }
  Result<void> find(const BlockSource& block, RowBits* rows) const;

  const std::shared_ptr<const RowPredicate> predicate_;
  const int64_t start_ns_;
  const int64_t end_ns_;
  const uint64_t arrival_cut_;
  MemoryAccountant& memory_;
  mutable Mutex mu_;
  mutable std::unordered_map<const BlockSource*, Known> known_ GUARDED_BY(mu_);
  mutable size_t prune_at_ GUARDED_BY(mu_) = 256;
};

}  // namespace cordwood
