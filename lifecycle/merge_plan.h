// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "lifecycle/merge_bin.h"
#include "lifecycle/merge_carry.h"
#include "storage/merge_target.h"

namespace cordwood::lifecycle {

/// Some rows of a block as a block of their own.
using RowSieve = std::function<BlockSourcePtr(const BlockSourcePtr&)>;

struct MergePlanLimits {
  uint64_t bin_rows = 512u << 10;            ///< rows whose order is worked out at once
  uint64_t small_family_bytes = 256u << 10;  ///< families below share blocks
  uint64_t shared_bytes = 8u << 20;          ///< raw bytes of families that do
  MergeCarryLimits carry;
  MergeBlockLimits block;  ///< of the blocks to be made
};

/// How the blocks of some segments are to be merged.  Only blocks that are neighbours in arrival among all published
/// blocks of their tenant and day come together, whatever segments are chosen: so every reader finds rows of one time
/// in the order of their arrival as before.  Whole streams, by family.  Blocks that are carried over (merge_carry.h,
/// and those that have no company) are bins of their own, and rows that arrived before and after one of their family do
/// not come together.  corrupt when the index of a segment is damaged.  `sieve`: what is left of a block; null: all of
/// it.
Result<std::vector<MergeBin>> plan_merge(const MergeTarget::State& state, const std::set<std::string>& segments,
                                         const MergePlanLimits& limits, const RowSieve& sieve = nullptr);

}  // namespace cordwood::lifecycle
