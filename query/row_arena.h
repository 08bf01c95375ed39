// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace cordwood::query {

/// Bytes that live until the next reset(), for the texts that stages make of one row.  Keeps its space, so a steady
/// state does not allocate.  Not thread-safe.
class RowArena {
 public:
  void reset() {
    chunk_ = 0;
    used_ = 0;
    if (chunks_.size() > kKeepChunks) chunks_.resize(kKeepChunks);
  }
  char* allocate(size_t size) {
    while (chunk_ < chunks_.size() && used_ + size > chunks_[chunk_].size) {
      ++chunk_;
      used_ = 0;
    }
    if (chunk_ == chunks_.size()) {
      const size_t bytes = size > kChunkBytes ? size : kChunkBytes;
      chunks_.push_back({std::unique_ptr<char[]>(new char[bytes]), bytes});
      used_ = 0;
    }
    char* place = chunks_[chunk_].bytes.get() + used_;
    used_ += size;
    return place;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* place = allocate(text.size());
    std::memcpy(place, text.data(), text.size());
    return {place, text.size()};
  }
  std::string_view join(std::string_view first, std::string_view second) {
    if (first.empty() && second.empty()) return {};
    char* place = allocate(first.size() + second.size());
    if (!first.empty()) std::memcpy(place, first.data(), first.size());
    if (!second.empty()) std::memcpy(place + first.size(), second.data(), second.size());
    return {place, first.size() + second.size()};
  }

 private:
  static constexpr size_t kChunkBytes = 32 << 10;
  static constexpr size_t kKeepChunks = 64;
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size;
  };
  std::vector<Chunk> chunks_;
  size_t chunk_ = 0;
  size_t used_ = 0;
};

}  // namespace cordwood::query
