// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/base/file_system.h"

namespace cordwood {

/// Lets SQLite do all its I/O through a FileSystem.  For one connection that has its files to itself: no locks and
/// no shared memory, so `locking_mode=EXCLUSIVE` comes before `journal_mode=WAL`, and temporary data stays in memory.
class SqliteVfs {
 public:
  explicit SqliteVfs(FileSystem& fs);
  ~SqliteVfs();                          ///< after the last connection is closed
  SqliteVfs(const SqliteVfs&) = delete;  // SQLite holds its address
  SqliteVfs& operator=(const SqliteVfs&) = delete;
  /// What sqlite3_open_v2() wants as its last argument.
  const char* name() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cordwood
