// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "storage/block_entry.h"
#include "storage/piece_writer.h"

namespace cordwood {

/// A block's bytes as they lie in a segment.
struct BlockBytes {
  std::string entry;
  std::string narrow;
  std::string heap;
};

/// Writes what stands for a column instead of what it has, and changes its meta: one piece, behind which only the
/// column's exceptions stay.  Nothing: the column stays as it is.
using RewriteColumn =
    std::function<Result<std::optional<PieceMeta>>(uint32_t column, ColumnMeta* meta, PieceWriter* writer)>;

/// The block with some columns written anew; frames of the others, rows and counts stay.  `parts` and `old` are of the
/// block whose parts are `narrow` and `heap`.
Result<BlockBytes> rewrite_columns(const EntryParts& parts, const BlockDirectory& old, std::string_view narrow,
                                   std::string_view heap, const RewriteColumn& rewrite);

}  // namespace cordwood
