// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_view.h"
#include "storage/column_reader.h"
#include "storage/shape_rows.h"

namespace cordwood {

/// What a sealed block lends to a search for text.  Nothing is read before it is asked for.
class SearchedBlock {
 public:
  /// Line columns that shapes name, by index; the raw column is not among them.
  virtual Result<std::span<const Shape>> searched_shapes() = 0;
  /// The shape of every row: 0 for raw, else 1 + index into searched_shapes().
  virtual Result<const ShapeRows*> searched_shape_rows() = 0;
  virtual Result<ColumnReader*> reader(uint32_t column) = 0;
  virtual Result<const RowRanks*> ranks(uint32_t column) = 0;

 protected:
  ~SearchedBlock() = default;
};

/// Sets the rows that have a cell in the column which matches.
Result<void> find_rows(SearchedBlock& block, uint32_t column, const CellTest& test, RowBits* rows);

/// Exactly the rows of `view` whose line holds `needle`.  `block` is the same block; `raw_column` is UINT32_MAX when
/// it has none.
Result<RowBits> search_lines(BlockView& view, SearchedBlock& block, uint32_t raw_column, TextNeedle needle);

/// Exactly the rows of which a metadata value holds `needle`.  `packed_column` is UINT32_MAX when there is none.
Result<RowBits> search_metadata(BlockView& view, SearchedBlock& block, std::span<const uint32_t> columns,
                                uint32_t packed_column, TextNeedle needle);

}  // namespace cordwood
