// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "storage/base/memory_accountant.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// What a set or a map takes beside the bytes of an item.
inline constexpr uint64_t kNodeBytes = 64;

/// Bytes a query holds for its answer and its working set, taken from the query share in steps.
class QueryMemory {
 public:
  /// `limit_bytes`: 0 = none but this: no query takes more than three quarters of the share, and the last eighth is for
  /// queries that hold little, so that those which hold much do not make them fail.
  QueryMemory(MemoryAccountant* accountant, uint64_t limit_bytes);
  /// invalid when the query is over its limit, exhausted when others hold too much.
  Result<void> add(uint64_t bytes) {
    used_ += bytes;
    return used_ <= held_.bytes() || accountant_ == nullptr ? Result<void>() : take();
  }
  /// Bytes that were added and are no longer held; they stay reserved for the query's later needs.
  void release(uint64_t bytes) { used_ -= std::min(used_, bytes); }

 private:
  Result<void> take();

  MemoryAccountant* accountant_;
  uint64_t limit_bytes_;
  MemoryReservation held_;
  uint64_t used_ = 0;
};

}  // namespace cordwood::query
