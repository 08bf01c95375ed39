// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/object_store.h"
#include "storage/wal_format.h"

namespace cordwood {

struct WalWriterOptions {
  std::string node = "node-1";      ///< goes into the file header; at most 255 bytes
  uint64_t mark = 0;                ///< likewise (WalLog)
  uint64_t file_bytes = 64u << 20;  ///< a new file of the set begins beyond this
  /// How long a leader waits for more when others have queued behind it; 0 in simulations.  A lone writer never waits.
  uint32_t group_wait_us = 1000;
  ObjectStore* store = nullptr;  ///< when set, what is written becomes objects (wal_objects.h) before it is answered
  int64_t store_timeout_ns = 10'000'000'000;
  /// From the beginning of one put to that of the next at least, so that many small pushes share one.
  int64_t store_interval_ns = 0;
  Clock* clock = nullptr;  ///< for that
};

/// Appends records to the WAL files of one generation: `<dir>/<generation>-<n>.wal`.
/// enqueue() may be called by many threads; the first to wait() becomes the leader, writes all that is queued and
/// syncs once for them all.  There is no thread of its own.
///
/// After a failed write or sync nothing more is written to that file, because what it may hold cannot be trusted (it
/// is cut back to its last sync if that is possible).  Everything queued at that moment is answered unavailable, and
/// what is enqueued later goes to a new file of the same generation, so the writer works again as soon as the disk
/// does.  A record that was answered unavailable may still come back at replay: the client was told nothing about it.
class WalWriter {
 public:
  /// Creates the directory if need be and the first file, its name durable.  The generation may have files already
  /// (they are left alone and numbering goes on after them).
  static Result<std::unique_ptr<WalWriter>> create(FileSystem& fs, const std::string& dir, uint64_t generation,
                                                   WalWriterOptions options);
  virtual ~WalWriter() = default;
  /// One record to write: either `body` (with its policy) or `batch`.
  struct Push {
    TenantId tenant;
    uint64_t sequence = 0;  ///< ascending in the order of append() calls made under the engine's lock
    int64_t receive_time_ns = 0;
    const WalBody* body = nullptr;
    const RowBatch* batch = nullptr;
  };
  /// Queues without waiting; keeps the order of calls.  The bytes are copied before it returns.
  virtual uint64_t enqueue(const Push& push) = 0;
  /// Returns when the ticket from enqueue() is durable, or unavailable.  Once for each ticket, no ticket left out.
  virtual Result<void> wait(uint64_t ticket) = 0;
  /// Whether the last write failed and none has succeeded since.
  virtual bool failed() const = 0;
  virtual uint64_t bytes() const = 0;  ///< written so far, all files
};

}  // namespace cordwood
