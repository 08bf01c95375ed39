// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/block_reader.h"

namespace cordwood {

/// The ids in the lines and metadata of a block, as BlockIndexBuilder finds them in the rows: the top 40 bits of their
/// hashes, in any order, some more than once.  Reads columns and shapes; puts together only what an id could stand
/// across.  May have some more, where cells of a column stand alone in one shape and beside hex digits in another.
/// No column of the block is listed.
Result<void> collect_block_ids(SealedBlockView& view, std::vector<uint64_t>* ids);

}  // namespace cordwood
