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
  BlockSummary summary;  ///< its runs may be left out: they are info.streams
  BlockPlace place;
  bool in_head = false;
};

/// A sealed block as those see it who know its columns.
class SealedBlockView : public BlockView {
 public:
  virtual const BlockDirectory& directory() const = 0;
  virtual BlockFrames& frames() = 0;
  /// Times of the rows that have a cell of the column, in the order of the cells.
  virtual Result<std::vector<int64_t>> cell_times(uint32_t column) = 0;
};

/// Opens a sealed block for reading.  `block` outlives the view through the shared pointer.
Result<std::unique_ptr<SealedBlockView>> open_view(std::shared_ptr<const SealedBlock> block, ReadStats* stats);

/// A source whose every read is `error`: stands for a block whose entry is damaged.
BlockSourcePtr damaged_block(BlockInfo info, Error error);

}  // namespace cordwood
