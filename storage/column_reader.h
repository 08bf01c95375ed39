// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_columns.h"
#include "storage/block_frames.h"
#include "storage/column_pattern.h"
#include "storage/column_rendered.h"
#include "storage/column_search.h"
#include "storage/column_text.h"
#include "storage/id_list.h"
#include "storage/shape_rows.h"

namespace cordwood {

/// Reads the cells of one column of an open block.  A cell is named by its ordinal among the column's cells.
class ColumnReader {
 public:
  /// What columns of a block are read from; all of it outlives them.
  struct Block {
    BlockFrames* frames = nullptr;
    TimePiece* times = nullptr;
    TextPiece* shared = nullptr;
    IdListReader* ids = nullptr;    ///< null: its segment has no id lists
    RowTexts* row_texts = nullptr;  ///< null: cells of rendered columns are not asked for
  };
  /// `meta` outlives it, too.  corrupt when pieces and column do not fit together.
  static Result<std::unique_ptr<ColumnReader>> open(const ColumnMeta& meta, const Block& block);
  const ColumnMeta& meta() const { return meta_; }

  /// Text of a cell that lies in row `row`: a view that stays, or one into *scratch if it had to be made.
  Result<std::string_view> text(uint32_t cell, uint32_t row, std::string* scratch);
  /// The same, but the view stays valid as long as the reader.
  Result<std::string_view> lasting_text(uint32_t cell, uint32_t row);
  /// Bytes that the text of every cell has, if it is the same for all of them and known beforehand.
  std::optional<uint64_t> same_text_bytes() const;
  /// Bytes of a cell's text.
  Result<uint64_t> text_bytes(uint32_t cell, uint32_t row);
  /// The same for all cells at once, in their order; `ranks` are the column's.
  Result<void> text_sizes(const RowRanks& ranks, std::vector<uint32_t>* sizes);
  /// Value of a cell of an integer column; nothing for other types and for listed exceptions.
  Result<std::optional<int64_t>> integer(uint32_t cell);

  /// Dictionary columns: the texts, and every cell's id.
  Result<const std::vector<std::string_view>*> dictionary();
  Result<std::optional<uint32_t>> dictionary_id(uint32_t cell);

  /// As in BlockColumns.
  Result<const ColumnCells*> cells();
  Result<std::span<const uint32_t>> cell_ids();
  Result<std::span<const int64_t>> cell_numbers();
  Result<void> find_ids(std::span<const uint8_t> wanted, RowBits* cells);
  Result<void> find_numbers(int64_t least, int64_t most, bool outside, RowBits* cells);
  /// Null unless cells are kept by patterns.
  PatternReader* pattern() { return pattern_.get(); }
  /// Null unless cells are rendered from others.
  RenderedReader* rendered() { return rendered_.get(); }
  /// Forgets lasting texts, if `slim` all decoded cells too, and tells the bytes of what else it keeps.
  uint64_t settle(bool slim);

  /// False when no cell can pass the test, as far as the column's type and its exceptions tell.
  Result<bool> may_match(const CellTest& test);
  /// Whether find() has to know the rows of the cells.
  bool needs_ranks() const { return meta_.type == ColumnType::timestamp && (meta_.flags & kRelative) != 0; }
  /// Sets the cells that pass the test, exactly; `ranks` may be null unless needs_ranks().  Not of rendered columns,
  /// whose cells only the block can search (find_rows()).
  Result<void> find(const CellTest& test, const RowRanks* ranks, RowBits* cells);

 private:
  ColumnReader(const ColumnMeta& meta, const Block& block)
      : meta_(meta),
        frames_(block.frames),
        times_(block.times),
        shared_(block.shared),
        ids_(block.ids),
        row_texts_(block.row_texts) {}
  Result<void> bind();
  Result<void> load_dictionary();
  Result<void> load_exceptions();
  /// The exception's text, if the cell is one.
  std::optional<std::string_view> exception(uint32_t cell) const;
  /// Bytes that every text but exceptions has.
  std::optional<uint64_t> fixed_text_bytes() const;
  Result<void> sizes_of_numbers(std::vector<uint32_t>* sizes);
  Result<std::string_view> binary_text(uint32_t cell, std::string* scratch);
  Result<std::string_view> number_text(uint32_t cell, uint32_t row, std::string* scratch);
  bool typed_may_match(const CellTest& test) const;
  Result<void> find_typed(const CellTest& test, const RowRanks* ranks, RowBits* cells);
  Result<void> find_in_dictionary(const CellTest& test, RowBits* cells);
  /// The number that a cell must be to pass, for tests of equality with one; and the cells that are it.
  std::optional<int64_t> value_of(const CellTest& test) const;
  Result<void> find_value(int64_t value, RowBits* cells);
  /// The same for columns of binary: what a cell must be, if the test leaves only one thing.
  std::optional<std::string> binary_of(const CellTest& test) const;
  Result<void> find_binary(std::string_view value, RowBits* cells);
  Result<void> find_listed(std::string_view value, RowBits* cells);

  const ColumnMeta& meta_;
  BlockFrames* frames_;
  TimePiece* times_;
  TextPiece* shared_;
  IdListReader* ids_;
  RowTexts* row_texts_;
  uint32_t id_list_ = 0;  ///< of a listed column
  IntPiece numbers_;
  TextPiece texts_;
  std::unique_ptr<PatternReader> pattern_;
  std::unique_ptr<RenderedReader> rendered_;
  TimestampLayout layout_;
  std::vector<std::string_view> dictionary_;
  bool dictionary_loaded_ = false;
  std::vector<uint32_t> exception_cells_;
  std::vector<std::string_view> exception_texts_;
  bool exceptions_loaded_ = false;
  std::optional<ColumnCells> cells_;
  std::vector<uint32_t> cell_ids_;
  std::vector<int64_t> cell_numbers_;
  std::string_view constant_text_;
  std::string scratch_;
  std::vector<std::unique_ptr<std::string>> lasting_;  ///< by cell, for lasting_text
};

}  // namespace cordwood
