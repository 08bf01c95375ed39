// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
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
  /// Valid for as long as the object lives.
  std::string_view text(uint32_t number) const { return {texts_[number].data, texts_[number].bytes}; }
  size_t size() const { return texts_.size(); }
  void clear();
  /// About what a text takes beside its bytes.
  static constexpr uint64_t kBytesPerText = 32;

 private:
  struct Text {
    const char* data;
    uint32_t bytes;
    uint32_t hash;
  };
  void grow();

  Arena arena_{kChunkBytes};
  std::vector<Text> texts_;
  std::vector<uint32_t> slots_;  ///< open addressing: number + 1; 0 = free
  static constexpr size_t kChunkBytes = 4096;
};

}  // namespace cordwood::query
