// SPDX-License-Identifier: Apache-2.0
#include "storage/id_cells.h"

#include "storage/column_text.h"
#include "storage/id_list.h"

namespace cordwood {

Result<std::optional<IdCells>> IdCells::of(SealedBlockView* view, const ColumnMeta& column) {
  IdCells cells(view, column);
  bool ids = is_binary(column) && (column.flags & kListed) == 0;
  if (column.type == ColumnType::dictionary) {
    TRY_ASSIGN(ids, cells.take_dictionary());
  }
  cells.listed_.flags |= kListed;
  if (!ids || cells.width() < IdLists::kMinWidth || cells.width() > IdLists::kMaxWidth) return std::optional<IdCells>();
  return std::optional<IdCells>(std::move(cells));
}

/// False when an entry is not what the first one is.
Result<bool> IdCells::take_dictionary() {
  TextPiece texts(&view_->frames(), column_->first_piece);
  std::optional<bool> upper;
  for (uint32_t i = 0; i < column_->distinct; ++i) {
    TRY_ASSIGN(const std::string_view text, texts.get(i));
    if (i == 0) {
      const bool uuid = text.size() == kUuidBytes;
      if (text.size() < IdLists::kMinWidth * 2 || text.size() > UINT8_MAX) return false;
      listed_.type = uuid ? ColumnType::uuid : ColumnType::hex;
      listed_.digits = uuid ? 0 : static_cast<uint8_t>(text.size());
      listed_.pieces = 1;
    }
    if (!upper) upper = hex_case(text);
    const bool capital = upper.value_or(false);
    const size_t at = dictionary_.size();
    dictionary_.resize(at + width());
    const bool good = listed_.type == ColumnType::uuid
                          ? parse_uuid(text, capital, dictionary_.data() + at)
                          : text.size() == listed_.digits && parse_hex(text, capital, dictionary_.data() + at);
    if (!good) return false;
  }
  listed_.flags = upper.value_or(false) ? kUpperCase : 0;
  listed_.distinct = 0;
  return true;
}

}  // namespace cordwood
