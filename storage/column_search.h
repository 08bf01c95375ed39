// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

#include "storage/block_view.h"
#include "storage/row_bits.h"

namespace cordwood {

/// A question to the text of one cell.
struct CellTest {
  enum class Kind : uint8_t { contains, equals, begins, ends };
  Kind kind = Kind::contains;
  std::string_view text;
  bool folded = false;  ///< see TextNeedle: a cell that holds an odd fold passes always

  bool matches(std::string_view cell) const;
  auto operator<=>(const CellTest&) const = default;
};

inline CellTest contains(TextNeedle needle) {
  return {CellTest::Kind::contains, needle.text, needle.folded};
}

/// Asks many cells at once: their texts lie one after the other in `text`, cell i ends at ends[i].  Sets the bits
/// first_cell + i of those that match.
void search_cells(std::string_view text, std::span<const uint32_t> ends, const CellTest& test, uint32_t first_cell,
                  RowBits* cells);

}  // namespace cordwood
