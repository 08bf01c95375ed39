// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/block_reader.h"
#include "storage/segment.h"

namespace cordwood {

/// Opens a spilled block.  `stats` outlives the view.
Result<std::unique_ptr<SealedBlockView>> open_spilled(const SpilledBlock& block, ReadStats* stats);

/// Opens a block by its entry alone.  `stats` outlives the view.
Result<std::unique_ptr<SealedBlockView>> open_by_entry(const BlockInfo& info, const std::string& entry,
                                                       BlockPlace place, ReadStats* stats);

/// A whole part of a block, for a segment.  corrupt unless its XXH3 is `checksum`: what goes into a segment outlives
/// what it came from, so damage must not be published.
Result<std::string> read_part(const ByteSource& source, uint64_t offset, uint64_t size, uint64_t checksum);

}  // namespace cordwood
