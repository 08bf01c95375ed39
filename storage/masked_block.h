// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/block_view.h"

namespace cordwood {

/// Some rows of a block as a block of their own: whoever reads it cannot see the others.  It has no columns and no
/// counts.  `kept` is of the rows of `view`,
/// `info` what masked_info() makes of them.
std::unique_ptr<BlockView> make_masked_view(std::unique_ptr<BlockView> view, const RowBits& kept,
                                            const BlockInfo& info);

/// What a block's info becomes when only the rows of `kept` are seen; exact in rows, times and
/// bytes of lines.  Streams without
/// such rows are left out.
Result<BlockInfo> masked_info(const BlockSource& block, const RowBits& kept);

}  // namespace cordwood
