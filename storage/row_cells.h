// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

/// A cell of another column in the row at hand.
struct RowCell {
  uint32_t column = 0;  ///< as the block numbers it
  std::string_view text;
};
/// Takes the other cells of a row, in the order of the line; false: no more rows are wanted.
using TakeRow = std::function<bool(std::span<const RowCell>)>;
/// Hands over the rows of a column, one after the other.
using ForEachRow = std::function<void(const TakeRow&)>;

/// Where the cells of each row of a block lie among those of their columns.  Keeps buffers between blocks.
class RowCells {
 public:
  /// Ids of rows are 1 + index into `shapes`, 0: none.  Their slots name one of so many columns.
  void build(std::span<const int64_t> shape_ids, std::vector<const Shape*> shapes, size_t columns);
  /// Calls `take(shape, cells)` for the rows that have the column, in order, until it says false: cells has, by slot of
  /// the shape, the ordinal of the cell.  Takes time for these rows alone.
  template <typename Take>
  void for_each_row_with(uint32_t column, const Take& take) {
    rows_.clear();
    for (const uint32_t shape : shapes_with_[column]) {
      rows_.insert(rows_.end(), rows_of_shape_[shape].begin(), rows_of_shape_[shape].end());
    }
    if (shapes_with_[column].size() > 1) sort_rows();
    for (const Row& row : rows_) {
      const Shape& shape = *shapes_[row.shape];
      if (!take(shape, std::span(cells_).subspan(row.first_cell, shape.slots.size()))) return;
    }
  }

 private:
  struct Row {
    uint32_t first_cell = 0;  ///< in cells_, ascending with the rows
    uint32_t shape = 0;
  };
  void sort_rows();
  std::vector<const Shape*> shapes_;
  std::vector<std::vector<Row>> rows_of_shape_;
  std::vector<std::vector<uint32_t>> shapes_with_;  ///< by column
  std::vector<uint32_t> cells_;                     ///< of all rows in turn: by slot, the ordinal in its column
  std::vector<uint32_t> next_;
  std::vector<Row> rows_;
};

}  // namespace cordwood
