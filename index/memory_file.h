// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood::index {

/// A file without a name, in memory: what the library can only take as a file.  Goes with its last descriptor.
class MemoryFile {
 public:
  static Result<MemoryFile> make(const char* name);
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile();

  Result<void> write(std::string_view bytes);
  /// From the beginning; at most `limit` bytes.
  Result<std::string> read_all(uint64_t limit) const;
  /// A descriptor of its own for whoever closes it, at the beginning of the file.
  Result<int> duplicate() const;

 private:
  explicit MemoryFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace cordwood::index
