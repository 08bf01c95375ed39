// SPDX-License-Identifier: Apache-2.0
#include "storage/block_rewriter.h"

#include "storage/base/checksum.h"

namespace cordwood {

Result<BlockBytes> rewrite_columns(const EntryParts& parts, const BlockDirectory& old, std::string_view narrow,
                                   std::string_view heap, const RewriteColumn& rewrite) {
  BlockDirectory directory = old;
  directory.pieces.clear();
  PieceWriter writer{BlockBuilderOptions()};
  const auto copy = [&](uint32_t begin, uint32_t end) {
    for (uint32_t p = begin; p < end; ++p) directory.pieces.push_back(writer.copy(old.pieces[p], narrow, heap));
  };
  copy(0, kFixedPieces);
  for (uint32_t c = 0; c < old.columns.size(); ++c) {
    const uint32_t end = old.columns[c].first_piece + old.columns[c].pieces;
    uint32_t first = old.columns[c].first_piece;
    TRY_ASSIGN(const std::optional<PieceMeta> piece, rewrite(c, &directory.columns[c], &writer));
    if (piece) {
      directory.pieces.push_back(*piece);
      first = end + 1 - directory.columns[c].pieces;
    }
    copy(first, end);
  }
  copy(static_cast<uint32_t>(old.pieces.size() - 1), static_cast<uint32_t>(old.pieces.size()));
  BlockSummary summary = parts.summary;
  summary.narrow_bytes = writer.narrow.size();
  summary.heap_bytes = writer.heap.size();
  summary.narrow_checksum = xxh3_64(writer.narrow);
  summary.heap_checksum = xxh3_64(writer.heap);
  std::vector<std::string> counts;
  for (const EntryParts::Part& table : parts.counts) {
    TRY_ASSIGN(counts.emplace_back(), unpack_part(table));
  }
  BlockBytes out;
  encode_entry(summary, directory, counts, BlockBuilderOptions().zstd_level, &out.entry);
  out.narrow = std::move(writer.narrow);
  out.heap = std::move(writer.heap);
  return out;
}

}  // namespace cordwood
