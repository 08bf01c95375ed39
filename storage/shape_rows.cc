// SPDX-License-Identifier: Apache-2.0
#include "storage/shape_rows.h"

#include <algorithm>
#include <bit>

namespace cordwood {

namespace {

/// Calls take(w, word) for each 64 rows, with the bits of those whose shape has 1 in `has`.
template <typename Take>
void for_each_word_of_flags(std::span<const uint32_t> shape_of_row, const std::vector<uint8_t>& has, Take&& take) {
  const uint8_t* const flag_of_shape = has.data();
  uint8_t flags[64] = {};
  for (size_t begin = 0; begin < shape_of_row.size(); begin += 64) {
    const uint32_t* const shapes = shape_of_row.data() + begin;
    const size_t count = std::min<size_t>(64, shape_of_row.size() - begin);
    if (count < 64) std::fill_n(flags, 64, uint8_t{0});
    for (size_t i = 0; i < count; ++i) flags[i] = flag_of_shape[shapes[i]];
    take(begin / 64, bits_of_flags(flags));
  }
}

}  // namespace

RowRanks::RowRanks(const std::vector<uint32_t>& shape_of_row, const std::vector<uint8_t>& has)
    : words_((shape_of_row.size() + 63) / 64), before_(words_.size()) {
  const auto take = [this](size_t w, uint64_t word) {
    words_[w] = word;
    before_[w] = count_;
    count_ += static_cast<uint32_t>(std::popcount(word));
  };
  for_each_word_of_flags(shape_of_row, has, take);
}

void add_rows_of_shapes(std::span<const uint32_t> shape_of_row, const std::vector<uint8_t>& has, RowBits* rows) {
  for_each_word_of_flags(shape_of_row, has, [rows](size_t w, uint64_t word) { rows->add_word(w, word); });
}

uint32_t RowRanks::rank(uint32_t row) const {
  if (all_) return row;
  const uint64_t below = words_[row / 64] & ((uint64_t{1} << (row % 64)) - 1);
  return before_[row / 64] + static_cast<uint32_t>(std::popcount(below));
}

uint32_t RowRanks::row_of(uint32_t cell) const {
  if (all_) return cell;
  const auto above = std::upper_bound(before_.begin(), before_.end(), cell);
  const auto w = static_cast<size_t>(above - before_.begin()) - 1;
  uint64_t word = words_[w];
  for (uint32_t skip = cell - before_[w]; skip > 0; --skip) word &= word - 1;
  return static_cast<uint32_t>(w * 64) + static_cast<uint32_t>(std::countr_zero(word));
}

void RowRanks::add_to(RowBits* rows) const {
  RowBits cells(count_);
  cells.set_all();
  to_rows(cells, rows);
}

void RowRanks::to_rows(const RowBits& cells, RowBits* rows) const {
  if (all_) {
    rows->add(cells);
    return;
  }
  size_t w = 0;
  for (uint32_t cell = cells.next(0); cell < cells.rows(); cell = cells.next(cell + 1)) {
    while (w + 1 < before_.size() && before_[w + 1] <= cell) ++w;
    uint64_t word = words_[w];
    for (uint32_t skip = cell - before_[w]; skip > 0; --skip) word &= word - 1;
    rows->set(static_cast<uint32_t>(w * 64) + static_cast<uint32_t>(std::countr_zero(word)));
  }
}

Result<void> ShapeRows::load(BlockFrames* frames, uint32_t piece, uint32_t rows, uint32_t shapes) {
  if (loaded_) return {};
  const PieceMeta& stored = frames->piece(piece);
  if (stored.rows() != 0 && stored.rows() != rows) return Error::corrupt("block: shape ids do not match the rows");
  if (rows > 0 && shapes == 0) return Error::corrupt("block: shape id out of range");
  ids_.assign(rows, 0);  // without frames all ids are 0
  TRY(IntPiece(frames, piece).decode_ids(shapes, ids_.data()));
  if (used_.empty()) {
    used_.assign(shapes, 0);
    for (const uint32_t id : ids_) used_[id] = 1;
  }
  loaded_ = true;
  return {};
}

uint64_t ShapeRows::memory_bytes() const {
  uint64_t bytes = ids_.capacity() * sizeof(uint32_t);
  for (const auto& [shapes, ranks] : ranks_) bytes += shapes.capacity() * sizeof(uint32_t) + ranks.memory_bytes();
  return bytes;
}

const RowRanks& ShapeRows::ranks(std::span<const uint32_t> shapes_with_column) {
  const auto found = ranks_.find(shapes_with_column);
  if (found != ranks_.end()) return found->second;
  std::vector<uint8_t> has(used_.size(), 0);
  for (const uint32_t shape : shapes_with_column) has[shape] = 1;
  bool all = true;
  for (size_t s = 0; s < used_.size(); ++s) all = all && (has[s] != 0 || !used_[s]);
  RowRanks ranks = all ? RowRanks(static_cast<uint32_t>(ids_.size())) : RowRanks(ids_, has);
  std::vector<uint32_t> key(shapes_with_column.begin(), shapes_with_column.end());
  return ranks_.emplace(std::move(key), std::move(ranks)).first->second;
}

}  // namespace cordwood
