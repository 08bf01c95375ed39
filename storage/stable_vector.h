// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "storage/base/check.h"

namespace cordwood {

/// Elements that never move.  One writer appends; a reader that learnt a count under the writer's lock may read all
/// elements below it without any lock.
template <typename T>
class StableVector {
 public:
  void push_back(T value) {
    const Place at = place(size_);
    CHECK(at.chunk < kChunks, "{} elements are too many", size_);
    if (chunks_[at.chunk] == nullptr) {
      chunks_[at.chunk] = std::make_unique<T[]>(at.chunk_size);
      reserved_ += at.chunk_size * sizeof(T);
    }
    chunks_[at.chunk][at.offset] = std::move(value);
    ++size_;
  }
  const T& operator[](uint32_t i) const {
    const Place at = place(i);
    return chunks_[at.chunk][at.offset];
  }
  uint32_t size() const { return size_; }              ///< the writer's view
  size_t reserved_bytes() const { return reserved_; }  ///< likewise

 private:
  /// Element i + kBase lies in one of the four chunks that share the range between two powers of two; so space that
  /// is not used yet is a fifth at most.
  static constexpr uint64_t kBase = 16;
  static constexpr int kBaseWidth = 5;
  static constexpr size_t kChunks = 4 * 20;
  struct Place {
    size_t chunk;
    uint64_t offset;
    uint64_t chunk_size;
  };
  static Place place(uint64_t i) {
    const uint64_t shifted = i + kBase;
    const int width = std::bit_width(shifted);
    const uint64_t chunk_size = uint64_t{1} << (width - 3);
    const auto quarter = static_cast<size_t>((shifted >> (width - 3)) & 3);
    return {static_cast<size_t>(width - kBaseWidth) * 4 + quarter, shifted & (chunk_size - 1), chunk_size};
  }
  std::array<std::unique_ptr<T[]>, kChunks> chunks_;
  uint32_t size_ = 0;
  size_t reserved_ = 0;
};

}  // namespace cordwood
