// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_frames.h"
#include "storage/block_shapes.h"

namespace cordwood {

/// Longer texts are not rendered, and more templates are not kept.
inline constexpr uint64_t kMaxRenderedBytes = 1u << 20;
inline constexpr uint32_t kMaxTemplateSlots = 64;
inline constexpr uint32_t kMaxTemplates = 4096;

/// The other cells of a row, for columns that are rendered from them.
class RowTexts {
 public:
  virtual const BlockDirectory& directory() const = 0;
  /// As ColumnReader::text() and text_bytes().  corrupt when the row has no such cell.
  virtual Result<std::string_view> row_text(uint32_t column, uint32_t row, std::string* scratch) = 0;
  virtual Result<uint64_t> row_text_bytes(uint32_t column, uint32_t row) = 0;

 protected:
  ~RowTexts() = default;
};

/// Cells of a rendered column.
class RenderedReader {
 public:
  /// Its two pieces begin at `first_piece`: templates, ids.  `row_texts` are of the same block.
  RenderedReader(BlockFrames* frames, uint32_t first_piece, RowTexts* row_texts)
      : row_texts_(row_texts), texts_(frames, first_piece), ids_(frames, first_piece + 1) {}
  /// What cells are made of; their slots name other columns.
  Result<std::span<const Shape>> templates();
  /// By cell: index into templates().
  Result<std::vector<uint32_t>> template_ids();
  /// Appends the text of the cell that lies in row `row`.
  Result<void> append(uint32_t cell, uint32_t row, std::string* out);
  /// Bytes of it.
  Result<uint64_t> text_bytes(uint32_t cell, uint32_t row);
  uint64_t memory_bytes() const { return shapes_.memory_bytes() + texts_.memory_bytes() + ids_.memory_bytes(); }

 private:
  Result<void> parse(std::string_view text);
  Result<const Shape*> template_of(uint32_t cell);

  RowTexts* row_texts_;
  TextPiece texts_;
  IntPiece ids_;
  ShapeList shapes_;
  bool loaded_ = false;
  std::string scratch_;
};

}  // namespace cordwood
