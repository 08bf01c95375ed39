// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/block_view.h"

namespace cordwood {

/// Some rows of a block as a block of their own: whoever reads it cannot see the others.  It has no columns and no
/// counts.  `kept` is of the rows of `view`.
std::unique_ptr<BlockView> make_masked_view(std::unique_ptr<BlockView> view, std::shared_ptr<const RowBits> kept);

/// What a block's info becomes when only the rows of `kept` are seen; exact in rows, times and
/// bytes of lines.  Streams without
/// such rows are left out.
Result<BlockInfo> masked_info(const BlockSource& block, const RowBits& kept);

}  // namespace cordwood
