// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lifecycle/merge_bin.h"

namespace cordwood::lifecycle {

/// When a block is large enough to stay as it is: making it anew would cost what sealing it did and gain little.
struct MergeCarryLimits {
  uint64_t raw_bytes = 1u << 20;
  uint32_t rows = 4096;  ///< a frame; a block that has either is large
};

/// Whether a block may go into a new segment as it is: all its rows can be seen, its format is today's, and it is not
/// much larger than blocks shall be.
bool may_be_carried(const BlockSource& block, const MergeBlockLimits& limits);

/// Which blocks of a chain go into the new segment as they are.  Those that are large and of one family, and the small
/// ones between them, which would find no company: those all of whose families are for the most part in large blocks.
/// Never one that has more than the moment of a border in common with another block of one of its streams, nor one
/// between such two of its family: rows come in order again, and copies are left out, where they are made anew.
std::vector<bool> choose_carried(std::span<const MergeSource> chain, const MergeCarryLimits& limits,
                                 const MergeBlockLimits& block_limits);

}  // namespace cordwood::lifecycle
