// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "storage/base/arena.h"

namespace cordwood::query {

/// Numbers texts 0, 1, … in the order in which they are first seen, and keeps them.  Nothing is allocated for one text.
class TextNumbers {
 public:
  TextNumbers() = default;
  TextNumbers(const TextNumbers&) = delete;  // the seed is the address
  TextNumbers& operator=(const TextNumbers&) = delete;

  uint32_t number(std::string_view text, bool* is_new);
  /// Nothing when it was not seen.
  std::optional<uint32_t> find(std::string_view text) const;
  /// Valid until the next call of number() or clear().
  std::string_view text(uint32_t number) const { return texts_[number].view(); }
  size_t size() const { return texts_.size(); }
  /// So many texts are to come.
  void reserve(size_t texts);
  void clear();
  /// About what a text takes beside its bytes.
  static constexpr uint64_t kBytesPerText = 40;

 private:
  /// Short texts lie within, so that one look at memory tells whether it is the one.
  struct Text {
    static constexpr size_t kShort = 20;
    uint32_t bytes;
    char within[kShort];  ///< or where it lies
    std::string_view view() const {
      if (bytes <= kShort) return {within, bytes};
      const char* data = nullptr;
      std::memcpy(&data, within, sizeof data);
      return {data, bytes};
    }
  };
  struct Slot {
    uint32_t hash;
    uint32_t number;  ///< + 1; 0: free
  };
  void grow(size_t slots);
  uint32_t hash_of(std::string_view text) const;
  /// The slot of the text, or the free one that it would take.
  size_t place_of(std::string_view text, uint32_t hash) const;

  Arena arena_{kChunkBytes};
  std::vector<Text> texts_;
  std::vector<Slot> slots_;  ///< open addressing
  static constexpr size_t kChunkBytes = 4096;
};

}  // namespace cordwood::query
