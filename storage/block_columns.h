// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "storage/block_view.h"
#include "storage/shape_rows.h"

namespace cordwood {

class PatternReader;

/// The cells of one column, for those who look at many of them.
struct ColumnCells {
  enum class Kind : uint8_t {
    texts,       ///< BlockView::cell() alone knows them
    constant,    ///< all have the text `values[0]`
    dictionary,  ///< cell i has the text values[numbers[i]]
    numbers,     ///< cell i is numbers[i] / 10^scale, but for the exceptions
  };
  Kind kind = Kind::texts;
  std::span<const std::string_view> values;
  std::span<const int64_t> numbers;      ///< by cell; those of a dictionary are within bounds
  uint8_t scale = 0;                     ///< at most 18
  std::span<const uint32_t> exceptions;  ///< ascending; cells whose text is no number of that scale
  bool typed =
      false;  ///< numbers, ids, times, addresses: but for exceptions, cells begin with `-`, a letter or a digit
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
  virtual Result<const ColumnCells*> cells(uint32_t column) = 0;
  /// The patterns that the cells are kept by; null when they are not.
  virtual Result<PatternReader*> pattern(uint32_t column) = 0;
  /// The column of the values of a metadata name; nothing when no row has it.
  virtual std::optional<uint32_t> metadata_column(std::string_view name) const = 0;
  /// Whether metadata_column() tells all: no row has a name twice, or more names than columns are made for.
  virtual bool metadata_is_plain() const = 0;

 protected:
  ~BlockColumns() = default;
};

}  // namespace cordwood
