// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/row_cells.h"

namespace cordwood {

/// Finds out whether the texts of a column are rendered from the other fields of their rows, as messages often are: a
/// template is such a text with those fields cut out.  In the place of each stand a byte 0 and, as a varint, the number
/// of the column (storage/FORMAT.md, "templates").
///
/// From left to right, the longest cell of the row that stands at a place is taken out of it; not one that would begin
/// or end within a word.  Of equal cells it is the first behind the one taken last, for messages name fields in their
/// order: so rows in which two fields happen to be equal have the template of the others.
/// A text in which more than kMaxTemplateSlots cells stand is a template of its own.
class TemplateCollector {
 public:
  /// Starts a block.
  void reset() { steps_ = 0; }
  /// False when templates are not much shorter than the cells, or the cells cannot be rendered.
  bool collect(std::span<const std::string_view> cells, const ForEachRow& rows);
  const std::vector<std::string>& templates() const { return templates_; }
  const std::vector<int64_t>& ids() const { return ids_; }  ///< by cell
  /// The columns that templates name.
  const std::set<uint32_t>& columns() const { return columns_; }

 private:
  bool add(std::string_view cell, std::span<const RowCell> row);
  bool make_template(std::string_view cell, std::span<const RowCell> row);
  void sort_by_first_byte(std::string_view cell, std::span<const RowCell> row);
  /// Ordinal + 1 of the cell of the row that stands at the beginning of `rest`, or 0.
  uint16_t cell_at(std::string_view rest, std::span<const RowCell> row, uint16_t last);
  bool is_vain() const;

  std::vector<std::string> templates_;
  std::unordered_map<uint64_t, uint32_t> by_hash_;
  std::vector<int64_t> ids_;
  uint64_t template_bytes_ = 0;
  uint64_t cell_bytes_ = 0;
  uint64_t steps_ = 0;  ///< of the block
  std::set<uint32_t> columns_;
  std::string key_;                       ///< the template at hand
  std::vector<uint32_t> key_columns_;     ///< that it names
  std::array<uint16_t, 256> first_ = {};  ///< by first byte: ordinal + 1 of a cell of the row at hand
  std::vector<uint16_t> next_;            ///< by ordinal: likewise, the next with this byte
};

}  // namespace cordwood
