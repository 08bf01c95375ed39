// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_view.h"
#include "storage/shape_rows.h"

namespace cordwood {

class PatternReader;
class RenderedReader;

/// The cells of one column, for those who look at many of them.
struct ColumnCells {
  enum class Kind : uint8_t {
    texts,       ///< BlockView::cell() alone knows them
    constant,    ///< all have the text `values[0]`
    dictionary,  ///< cell i has the text values[cell_ids()[i]]
    numbers,     ///< cell i is cell_numbers()[i] / 10^scale, but for the exceptions
  };
  Kind kind = Kind::texts;
  uint32_t count = 0;
  std::span<const std::string_view> values;
  uint8_t scale = 0;                     ///< at most 18
  double most = 0;                       ///< no number lies further from 0; infinite where that is not known
  std::span<const uint32_t> exceptions;  ///< ascending; cells whose text is no number of that scale
  bool typed =
      false;  ///< numbers, ids, times, addresses: but for exceptions, cells begin with `-`, a letter or a digit
};

/// Where a text stands in lines.
struct TextHits {
  /// Rows where it stands in a cell of the column, or over its edges.
  struct Column {
    uint32_t column = 0;
    size_t before = 0;  ///< so many of its bytes may lie before the cell, and
    size_t behind = 0;  ///< behind it
    RowBits rows;
  };
  std::vector<Column> columns;
  RowBits others;  ///< rows where it may stand elsewhere, too
};

/// The columns of a sealed block, for readers that go column by column.  As BlockView: one thread at a time, data is
/// read when first asked for, what is returned stays until the view dies, and errors are corrupt, io, unavailable.
class BlockColumns {
 public:
  virtual Result<std::span<const Shape>> shapes() = 0;
  /// The shape of every row: 0 for raw, else 1 + index into shapes().
  virtual Result<const ShapeRows*> shape_rows() = 0;
  /// Which rows have a cell of the column, and which cell.
  virtual Result<const RowRanks*> ranks(uint32_t column) = 0;
  /// Decodes no cell.
  virtual Result<const ColumnCells*> cells(uint32_t column) = 0;
  /// By cell, of a dictionary; within its bounds.
  virtual Result<std::span<const uint32_t>> cell_ids(uint32_t column) = 0;
  /// By cell, of a column of numbers.
  virtual Result<std::span<const int64_t>> cell_numbers(uint32_t column) = 0;
  /// Sets the cells of a dictionary whose text has 1 in `wanted`.
  virtual Result<void> find_ids(uint32_t column, std::span<const uint8_t> wanted, RowBits* cells) = 0;
  /// Sets the cells whose number lies in [least, most], or, if `outside`, does not; exceptions as it comes.
  virtual Result<void> find_numbers(uint32_t column, int64_t least, int64_t most, bool outside, RowBits* cells) = 0;
  /// The rows whose line holds `needle`, and where.
  virtual Result<TextHits> find_in_lines(TextNeedle needle) = 0;
  /// A part of a row's line: the cell of this column, and so many bytes at least on both sides, as far as there are.
  /// Appends; nothing when more cells would have to be read for it, or when runes could be cut.
  virtual Result<bool> append_around(uint32_t row, uint32_t column, size_t before, size_t behind, std::string* out) = 0;
  /// The patterns that the cells are kept by; null when they are not.
  virtual Result<PatternReader*> pattern(uint32_t column) = 0;
  /// The templates that they are kept by; likewise.
  virtual Result<RenderedReader*> rendered(uint32_t column) = 0;
  /// The column of the values of a metadata name; nothing when no row has it.
  virtual std::optional<uint32_t> metadata_column(std::string_view name) const = 0;
  /// Whether metadata_column() tells all: no row has a name twice, or more names than columns are made for.
  virtual bool metadata_is_plain() const = 0;

 protected:
  ~BlockColumns() = default;
};

}  // namespace cordwood
