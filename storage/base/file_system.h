// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

/// An open file.  Positional calls may run on several threads; append and sync belong to one writer.
/// Errors: io, and unavailable when the disk is full (ENOSPC, EDQUOT).
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `size` bytes at `offset`; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, char* out, size_t size) = 0;
  /// Is going to be read: a disk that has to look for it may begin.  Does not wait for the bytes.
  virtual void will_read(uint64_t /*offset*/, uint64_t /*size*/) {}
  virtual Result<void> write_at(uint64_t offset, std::string_view data) = 0;
  /// Writes at the end.  After a failure the file may hold a part of `data`.
  virtual Result<void> append(std::string_view data) = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
  /// Returns once content and size are durable.  After a failure nothing written since the last success may be
  /// trusted, and the file must not be written again.
  virtual Result<void> sync() = 0;
  virtual Result<uint64_t> size() = 0;
};

enum class OpenMode : unsigned char {
  read,           ///< must exist
  read_write,     ///< must exist
  create_new,     ///< must not exist; read and write
  open_or_create  ///< read and write
};

/// Every touch of the local disk goes through here, so that a test can lose, tear and refuse writes.
/// A name (create, rename, remove) is durable only after sync_directory() of its directory.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// not_found when it must exist and does not.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Replaces `to` if it is a file.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// not_found when there is no such file.
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> create_directories(const std::string& path) = 0;
  virtual Result<void> remove_directory(const std::string& path) = 0;  ///< must be empty
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  /// Names (not paths) in a directory, sorted by bytes; directories end with '/'.  not_found when it is missing.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;

  /// The whole file; exhausted when it is larger than `limit_bytes`.
  Result<std::string> read_all(const std::string& path, uint64_t limit_bytes);
  /// create_directories(), then sync of every directory on the way from `base` (which exists) down to the parent
  /// of `path`, so that all those names are durable.  `path` lies in `base` or equals it.
  Result<void> create_directories_durably(const std::string& base, const std::string& path);
};

/// What stands before the last '/': "." for a plain name, "/" for a name in the root.
std::string parent_directory(const std::string& path);

/// The machine's own disk.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> create_directories(const std::string& path) override;
  Result<void> remove_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
};

}  // namespace cordwood
