// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_columns.h"
#include "storage/block_view.h"
#include "storage/column_reader.h"
#include "storage/shape_rows.h"

namespace cordwood {

/// What a sealed block lends to a search for text.  Nothing is read before it is asked for.
class SearchedBlock : public BlockColumns {
 public:
  virtual Result<ColumnReader*> reader(uint32_t column) = 0;

 protected:
  ~SearchedBlock() = default;
};

/// Sets the rows that have a cell in the column which matches.
Result<void> find_rows(SearchedBlock& block, uint32_t column, const CellTest& test, RowBits* rows);

/// Exactly the rows of `view` whose line holds `needle`.  `block` is the same block; `raw_column` is UINT32_MAX when
/// it has none.
Result<RowBits> search_lines(BlockView& view, SearchedBlock& block, uint32_t raw_column, TextNeedle needle);

/// The same with the places where it stands.
Result<TextHits> search_lines_by_column(BlockView& view, SearchedBlock& block, uint32_t raw_column, TextNeedle needle);

/// Exactly the rows of which a metadata value holds `needle`.  `packed_column` is UINT32_MAX when there is none.
Result<RowBits> search_metadata(BlockView& view, SearchedBlock& block, std::span<const uint32_t> columns,
                                uint32_t packed_column, TextNeedle needle);

}  // namespace cordwood
