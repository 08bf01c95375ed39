// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/block_entry.h"
#include "storage/block_frames.h"
#include "storage/block_view.h"

namespace cordwood {

/// A block as BlockSource keeps it: its entry, and where its data lies.
struct SealedBlock {
  BlockInfo info;
  std::string entry;
  BlockSummary summary;
  BlockPlace place;
  bool in_head = false;
};

/// Opens a sealed block for reading.  `block` outlives the view through the shared pointer.
Result<std::unique_ptr<BlockView>> open_view(std::shared_ptr<const SealedBlock> block, ReadStats* stats);

/// A source whose every read is `error`: stands for a block whose entry is damaged.
BlockSourcePtr damaged_block(BlockInfo info, Error error);

}  // namespace cordwood
