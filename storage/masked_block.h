// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

/// What is left of a block when only the rows of `kept` are seen: exact in rows, times, bytes of lines, and counts.
/// Streams without such rows are left out.  Refers to texts of the block.
struct MaskedBlock {
  static constexpr uint32_t kNoStream = UINT32_MAX;
  std::shared_ptr<const RowBits> kept;
  BlockInfo info;
  uint32_t gaps = 0;                ///< places where kept rows end before their stream does
  std::vector<uint32_t> stream_of;  ///< by stream of the block
  int64_t width_ns = 0;             ///< of the block's finest count table; 0: it has none
  std::vector<BlockCount> gone;     ///< what hidden rows of streams that are left add to that table
  std::shared_ptr<std::set<std::string, std::less<>>> levels;  ///< whose texts `gone` refers to

  /// A table of the block without what is gone.
  std::vector<BlockCount> counts(std::vector<BlockCount> all, int64_t table_width_ns) const;
};
Result<MaskedBlock> mask_block(const BlockSource& block, std::shared_ptr<const RowBits> kept);

/// The rows that are left as a block of their own: whoever reads it cannot see the others.  It has no columns.
std::unique_ptr<BlockView> make_masked_view(std::unique_ptr<BlockView> view, const MaskedBlock& masked);

}  // namespace cordwood
