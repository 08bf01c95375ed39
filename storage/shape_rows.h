// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "storage/block_frames.h"

namespace cordwood {

/// Which rows have a column, and which of its cells is whose.
class RowRanks {
 public:
  /// All rows have it.
  explicit RowRanks(uint32_t rows) : count_(rows), all_(true) {}
  /// has[s] is 1 for the shapes whose rows have it, else 0.
  RowRanks(const std::vector<uint32_t>& shape_of_row, const std::vector<uint8_t>& has);
  bool has(uint32_t row) const { return all_ || ((words_[row / 64] >> (row % 64)) & 1) != 0; }
  /// How many rows before this one have it: the ordinal of its cell.
  uint32_t rank(uint32_t row) const;
  uint32_t count() const { return count_; }
  uint64_t memory_bytes() const { return words_.capacity() * sizeof(uint64_t) + before_.capacity() * sizeof(uint32_t); }
  /// Row of a cell below count().
  uint32_t row_of(uint32_t cell) const;
  /// Calls take(cell, row) for every cell, in order.
  template <typename Take>
  void for_each(Take&& take) const {
    for (uint32_t row = 0; all_ && row < count_; ++row) take(row, row);
    uint32_t cell = 0;
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
        take(cell++, static_cast<uint32_t>(w * 64) + static_cast<uint32_t>(std::countr_zero(word)));
      }
    }
  }
  /// Sets all rows that have it.
  void add_to(RowBits* rows) const;
  /// Sets the rows whose cells are in `cells`, a set of count() cells.
  void to_rows(const RowBits& cells, RowBits* rows) const;

 private:
  std::vector<uint64_t> words_;
  std::vector<uint32_t> before_;  ///< by word
  uint32_t count_ = 0;
  bool all_ = false;
};

/// Sets the rows whose shape has 1 in `has`; the others have 0.
void add_rows_of_shapes(std::span<const uint32_t> shape_of_row, const std::vector<uint8_t>& has, RowBits* rows);

/// The shape of every row, and from it the ranks of columns.  One for lines, one for metadata.
class ShapeRows {
 public:
  /// Reads the ids from `piece` (all 0 when it has no frames).  corrupt when an id is not below `shapes`.
  Result<void> load(BlockFrames* frames, uint32_t piece, uint32_t rows, uint32_t shapes);
  bool loaded() const { return loaded_; }
  uint32_t shape(uint32_t row) const { return ids_[row]; }
  std::span<const uint32_t> ids() const { return ids_; }
  /// Whether any row has the shape.
  bool used(uint32_t shape) const { return used_[shape] != 0; }
  /// Ranks of a column that the given shapes (ascending) have.  Columns of the same shapes share them.
  const RowRanks& ranks(std::span<const uint32_t> shapes_with_column);
  uint64_t memory_bytes() const;
  /// Keeps nothing but ranks until it is loaded again.
  void forget_ids() {
    std::vector<uint32_t>().swap(ids_);
    loaded_ = false;
  }

 private:
  struct Before {
    using is_transparent = void;
    bool operator()(std::span<const uint32_t> a, std::span<const uint32_t> b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  std::vector<uint32_t> ids_;
  std::vector<uint8_t> used_;  ///< by shape: 1 if a row has it
  std::map<std::vector<uint32_t>, RowRanks, Before> ranks_;
  bool loaded_ = false;
};

}  // namespace cordwood
