// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/column_reader.h"

// Sizes of all texts of a column, from its numbers and without making them.

namespace cordwood {

Result<void> PatternReader::text_sizes(std::span<uint32_t> sizes) {
  const PieceMeta& ids = frames_->piece(first_piece_ + 1);
  std::vector<std::vector<uint32_t>> numbered;  // by pattern: sizes of its cells in a frame
  std::vector<int64_t> numbers;
  for (uint32_t index = 0; index < ids.frames.size(); ++index) {
    TRY_ASSIGN(const Frame* f, frame(index));
    numbered.resize(patterns_.size());
    for (size_t id = 0; id < patterns_.size(); ++id) {
      const Pattern& pattern = patterns_[id];
      for (size_t s = 0; s < f->slots[id].size(); ++s) {
        const IntFrame& slot = f->slots[id][s];
        numbers.resize(slot.count());
        slot.decode(numbers.data());
        if (s == 0) numbered[id].assign(slot.count(), static_cast<uint32_t>(pattern.constant_bytes));
        for (size_t i = 0; i < numbers.size(); ++i) {
          numbered[id][i] += static_cast<uint32_t>(std::max<uint64_t>(integer_bytes(numbers[i]), pattern.digits[s]));
        }
      }
    }
    uint32_t* out = sizes.data() + ids.frames[index].first_row;
    for (size_t i = 0; i < f->ids.size(); ++i) {
      const uint32_t id = f->ids[i];
      *out++ = f->slots[id].empty() ? static_cast<uint32_t>(patterns_[id].constant_bytes) : numbered[id][f->ranks[i]];
    }
  }
  return {};
}

Result<void> ColumnReader::sizes_of_numbers(std::vector<uint32_t>* sizes) {
  std::span<const int64_t> numbers = cell_numbers_;
  std::vector<int64_t> decoded;
  if (numbers.empty()) {
    TRY(numbers_.decode_all(&decoded));
    numbers = decoded;
  }
  const DecimalLayout layout{meta_.digits, (meta_.flags & kTrimmedZeros) != 0};
  const bool whole = meta_.type == ColumnType::integer;
  for (size_t i = 0; i < numbers.size(); ++i) {
    (*sizes)[i] = static_cast<uint32_t>(whole ? integer_bytes(numbers[i]) : decimal_bytes(numbers[i], layout));
  }
  return {};
}

Result<void> ColumnReader::text_sizes(const RowRanks& ranks, std::vector<uint32_t>* sizes) {
  sizes->resize(meta_.cells);
  if (meta_.type == ColumnType::pattern) return pattern_->text_sizes(*sizes);
  if (meta_.type == ColumnType::dictionary) {
    TRY(load_dictionary());
    TRY_ASSIGN(const std::span<const uint32_t> ids, cell_ids());
    for (size_t i = 0; i < ids.size(); ++i) (*sizes)[i] = static_cast<uint32_t>(dictionary_[ids[i]].size());
    return {};
  }
  if (const auto fixed = fixed_text_bytes()) {
    std::fill(sizes->begin(), sizes->end(), static_cast<uint32_t>(*fixed));
  } else if (meta_.type == ColumnType::integer || meta_.type == ColumnType::decimal) {
    TRY(sizes_of_numbers(sizes));
  } else {
    Result<void> done;
    ranks.for_each([&](uint32_t cell, uint32_t row) {
      if (!done.ok()) return;
      const Result<uint64_t> bytes = text_bytes(cell, row);
      if (!bytes.ok()) {
        done = bytes.error();
      } else {
        (*sizes)[cell] = static_cast<uint32_t>(*bytes);
      }
    });
    return done;
  }
  TRY(load_exceptions());
  for (size_t i = 0; i < exception_cells_.size(); ++i) {
    (*sizes)[exception_cells_[i]] = static_cast<uint32_t>(exception_texts_[i].size());
  }
  return {};
}

}  // namespace cordwood
