// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/base/object_store.h"

namespace cordwood::lifecycle {

struct BackupOptions {
  std::string node = "node-1";
  std::string wal_dir;  ///< of the server's data directory
  size_t parallel = 8;  ///< objects copied at the same time
};

struct BackupReport {
  uint64_t manifest = 0;         ///< number of its last change
  uint64_t segments = 0;         ///< that it names
  uint64_t segments_copied = 0;  ///< that were not there yet
  uint64_t bytes_copied = 0;
  uint64_t wal_files = 0;
  uint64_t wal_objects = 0;  ///< of a store that acknowledges in the bucket
};

/// Copies what a store holds into another one: segments, one snapshot of the manifest, and the write-ahead log of what
/// is not published, from the disk and from the store.  Everything that was acknowledged when it began is in it,
/// whether a server runs or not: the log is copied before the manifest is read, so that a generation is in one of them
/// at least. `to` holds one backup, the newest; what is in it already is not copied again, what it does not need any
/// more goes once the new one is complete. invalid: `to` holds a backup of another store.
Result<BackupReport> back_up(ObjectStore& from, ObjectStore& to, FileSystem& fs, const BackupOptions& options,
                             Logger& log);

/// The way back, into a store and a WAL directory that are empty.  Until it has succeeded the store is no store.
/// invalid: they are not empty; not_found: `from` holds no complete backup of this node.
Result<BackupReport> restore_backup(ObjectStore& from, ObjectStore& to, FileSystem& fs, const BackupOptions& options,
                                    Logger& log);

}  // namespace cordwood::lifecycle
