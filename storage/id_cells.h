// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_reader.h"

namespace cordwood {

/// The cells of a column that could be kept as numbers of an id list: it is binary, or a dictionary of nothing but hex
/// digits of one length and case, or of UUIDs.
class IdCells {
 public:
  /// Nothing when the column's cells are no ids.  `view` outlives it.
  static Result<std::optional<IdCells>> of(SealedBlockView* view, const ColumnMeta& column);
  uint32_t width() const { return binary_width(listed_); }
  /// The column as it is when its cells are listed: exceptions stay with it.
  const ColumnMeta& listed() const { return listed_; }

  /// Calls `visit(cell, id)` for each cell; what an exception's id is does not matter.
  template <typename Visit>
  Result<void> for_each(const Visit& visit) {
    if (!dictionary_.empty()) return for_each_of_dictionary(visit);
    const PieceMeta& piece = view_->directory().pieces[column_->first_piece];
    for (uint32_t i = 0; i < piece.frames.size(); ++i) {
      TRY_ASSIGN(const std::string_view raw, view_->frames().frame(column_->first_piece, i));
      const FrameMeta& f = piece.frames[i];
      if (raw.size() != uint64_t{f.rows} * width()) return Error::corrupt("block: a binary frame has the wrong size");
      for (uint32_t row = 0; row < f.rows; ++row)
        visit(f.first_row + row, raw.substr(uint64_t{row} * width(), width()));
    }
    return {};
  }

 private:
  IdCells(SealedBlockView* view, const ColumnMeta& column) : view_(view), column_(&column), listed_(column) {}
  Result<bool> take_dictionary();

  template <typename Visit>
  Result<void> for_each_of_dictionary(const Visit& visit) {
    std::vector<int64_t> ids;
    TRY(IntPiece(&view_->frames(), column_->first_piece + 1).decode_all(&ids));
    for (uint32_t cell = 0; cell < ids.size(); ++cell) {
      if (ids[cell] < 0 || ids[cell] >= int64_t{column_->distinct})
        return Error::corrupt("block: dictionary id out of range");
      visit(cell, std::string_view(dictionary_).substr(static_cast<uint64_t>(ids[cell]) * width(), width()));
    }
    return {};
  }

  SealedBlockView* view_;
  const ColumnMeta* column_;
  ColumnMeta listed_;
  std::string dictionary_;  ///< of a dictionary: its entries as binary
};

}  // namespace cordwood
