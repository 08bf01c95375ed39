// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace cordwood {

/// Bytes that stay where they are until the arena dies.  Not thread-safe; moving keeps views valid.
class Arena {
 public:
  explicit Arena(size_t chunk_bytes = 64 << 10) : chunk_bytes_(chunk_bytes) {}
  /// Uninitialised space.
  char* allocate(size_t size) {
    if (size > left_) add_chunk(size);
    char* p = next_;
    next_ += size;
    left_ -= size;
    return p;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* p = allocate(text.size());
    std::memcpy(p, text.data(), text.size());
    return {p, text.size()};
  }
  size_t reserved_bytes() const { return reserved_; }
  /// Size of the chunks to come.
  void set_chunk_bytes(size_t chunk_bytes) { chunk_bytes_ = chunk_bytes; }

 private:
  void add_chunk(size_t at_least) {
    const size_t size = at_least > chunk_bytes_ ? at_least : chunk_bytes_;
    chunks_.push_back(std::unique_ptr<char[]>(new char[size]));
    next_ = chunks_.back().get();
    left_ = size;
    reserved_ += size;
  }
  size_t chunk_bytes_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t reserved_ = 0;
};

}  // namespace cordwood
