// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/block_reader.h"
#include "storage/segment.h"

namespace cordwood {

/// Opens a spilled block.  `stats` outlives the view.
Result<std::unique_ptr<SealedBlockView>> open_spilled(const SpilledBlock& block, ReadStats* stats);

/// A whole part of it, for a segment.  corrupt unless its XXH3 is `checksum`: what goes into a segment outlives the log
/// it came from, so damage must not be published.
Result<std::string> read_spilled(const SpilledBlock& block, uint64_t offset, uint64_t size, uint64_t checksum);

}  // namespace cordwood
