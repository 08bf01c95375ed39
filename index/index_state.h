// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "storage/base/file_system.h"

namespace cordwood::index {

/// Checksums of one database's files as they were after its last commit.
struct DayFiles {
  struct Entry {
    std::string name;
    uint64_t size_bytes = 0;
    uint64_t xxh3 = 0;
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;  ///< sorted by name
  bool operator==(const DayFiles&) const = default;
};

/// What is known of the databases before any of them is opened: a file beside them.
struct IndexState {
  uint64_t catalog_version = 0;  ///< every stream published up to it is indexed
  std::map<int32_t, DayFiles> days;

  /// corrupt or not_found: the databases cannot be trusted.
  static Result<IndexState> load(FileSystem& fs, const std::string& directory);
  /// Durable when it returns.
  Result<void> save(FileSystem& fs, const std::string& directory) const;
};

/// Reads and sums the files of a database, lock files aside.
Result<DayFiles> sum_files(FileSystem& fs, const std::string& path);

}  // namespace cordwood::index
