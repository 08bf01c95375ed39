// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace cordwood {

/// A set of the rows of one block, a bit each.
class RowBits {
 public:
  explicit RowBits(uint32_t rows) : rows_(rows), words_((rows + 63) / 64) {}
  uint32_t rows() const { return rows_; }
  bool test(uint32_t row) const { return (words_[row / 64] >> (row % 64) & 1) != 0; }
  void set(uint32_t row) { words_[row / 64] |= uint64_t{1} << (row % 64); }
  void clear(uint32_t row) { words_[row / 64] &= ~(uint64_t{1} << (row % 64)); }
  void set_all() {
    for (uint64_t& word : words_) word = ~uint64_t{0};
    if (rows_ % 64 != 0) words_.back() = (uint64_t{1} << (rows_ % 64)) - 1;
  }
  /// Both sets are of the same block.
  void add(const RowBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  void keep(const RowBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  void remove(const RowBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
  }
  /// Adds of the 64 rows beginning with 64 * index those whose bits are set; bits of rows that there are not are 0.
  void add_word(size_t index, uint64_t word) { words_[index] |= word; }
  uint32_t count() const {
    uint32_t sum = 0;
    for (const uint64_t word : words_) sum += static_cast<uint32_t>(std::popcount(word));
    return sum;
  }
  bool none() const {
    for (const uint64_t word : words_) {
      if (word != 0) return false;
    }
    return true;
  }
  /// The first row of the set that is not before `row`, or rows() when there is none.
  uint32_t next(uint32_t row) const {
    if (row >= rows_) return rows_;
    size_t at = row / 64;
    uint64_t word = words_[at] & (~uint64_t{0} << (row % 64));
    while (word == 0) {
      if (++at == words_.size()) return rows_;
      word = words_[at];
    }
    return static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word)));
  }
  /// The last row of the set that is not behind `row`, which the block has, or rows() when there is none.
  uint32_t previous(uint32_t row) const {
    size_t at = row / 64;
    uint64_t word = words_[at] & (~uint64_t{0} >> (63 - row % 64));
    while (word == 0) {
      if (at-- == 0) return rows_;
      word = words_[at];
    }
    return static_cast<uint32_t>(at * 64 + 63 - static_cast<size_t>(std::countl_zero(word)));
  }

 private:
  uint32_t rows_;
  std::vector<uint64_t> words_;
};

/// A bit for each of 64 bytes, which are 0 or 1.
inline uint64_t bits_of_flags(const uint8_t* flags) {
  uint64_t bits = 0;
  for (uint32_t i = 0; i < 64; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, flags + i, sizeof eight);
    bits |= (eight * 0x0102040810204080) >> 56 << i;  // moves the lowest bit of each byte into the highest byte
  }
  return bits;
}

/// Sets the bits of rows one after the other, by flags that are 0 or 1.
class FlagAppender {
 public:
  FlagAppender(RowBits* rows, uint32_t first) : rows_(rows), at_(first), filled_(first % 64) {}
  ~FlagAppender() {
    if (filled_ > 0) flush();
  }
  FlagAppender(const FlagAppender&) = delete;
  FlagAppender& operator=(const FlagAppender&) = delete;
  void append(uint8_t flag) {
    flags_[filled_] = flag;
    if (++filled_ == 64) flush();
  }

 private:
  void flush() {
    rows_->add_word(at_ / 64, bits_of_flags(flags_));
    at_ = (at_ / 64 + 1) * 64;
    filled_ = 0;
    std::memset(flags_, 0, sizeof flags_);
  }
  RowBits* rows_;
  uint32_t at_;
  uint32_t filled_;
  uint8_t flags_[64] = {};
};

}  // namespace cordwood
