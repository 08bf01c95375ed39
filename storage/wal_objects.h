// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/object_store.h"
#include "storage/wal_format.h"

namespace cordwood {

/// Where they lie: `wal/<node>/`.
std::string wal_object_prefix(const std::string& node);

/// The write-ahead log as objects, for a store that answers once the bucket has a push: `<generation>-<n>`, n = 1, 2, …
/// without gaps, each a piece of a file of the local WAL (storage/FORMAT.md).  One generation; one thread at a time.
class WalObjectWriter {
 public:
  WalObjectWriter(ObjectStore& store, std::string node, WalLog log, int64_t timeout_ns)
      : store_(store), node_(std::move(node)), log_(log), timeout_ns_(timeout_ns) {}
  /// Bytes of the file, from `offset` on, are an object when it returns.  After a failure they may be one, now or
  /// later.
  Result<void> put(uint32_t file_number, uint64_t offset, std::string_view bytes);

 private:
  ObjectStore& store_;
  const std::string node_;
  const WalLog log_;
  const int64_t timeout_ns_;
  uint64_t next_ = 1;
};

struct WalFetchOptions {
  std::string node;
  std::string wal_dir;
  size_t parallel_reads = 1;
  /// The newest generation that may have objects beyond those that a list shows (it may be old); 0: lists are believed.
  uint64_t look_beyond = 0;
  uint64_t free_number = 1;  ///< no generation from here on is known to the catalog
};
struct WalFetchReport {
  uint64_t objects = 0;
  uint64_t bytes = 0;  ///< written to local files
  uint64_t removed = 0;
  uint64_t damaged = 0;  ///< objects whose header cannot be read, or is not theirs; copied to `<name>.object.damaged`
  std::vector<std::string> problems;  ///< and what became of each
  std::set<WalLog> logs;              ///< that have objects, done or not
};
/// What the manifest tells of logs.
struct WalDone {
  std::function<bool(const WalLog&)> log;    ///< whether its rows are in segments
  std::function<bool(uint64_t)> generation;  ///< whether those of some log of that number are
};

/// Brings back to the local WAL what it lacks of the logs that are not `done`; removes objects of the others.  What the
/// local files have already is left as it is.  A log whose number another one has here gets a number of its own: its
/// files then say another generation than their names.  All of it is durable when it returns.
///
/// An object whose header is damaged is told of and does not stop the rest.  Its records are taken all the same when it
/// begins a file, or follows a piece that is there: they carry checksums that hold at their own place alone.
Result<WalFetchReport> fetch_wal_objects(ObjectStore& store, FileSystem& fs, const WalFetchOptions& options,
                                         const WalDone& done);
/// Of the generations from `first` to `last`, and what a list hides of the newest of them; `mark`: only of logs with
/// it.  Returns how many there were.
Result<uint64_t> remove_wal_objects(ObjectStore& store, const std::string& node, uint64_t first, uint64_t last,
                                    size_t parallel, std::optional<uint64_t> mark = std::nullopt);

}  // namespace cordwood
