// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/base/file_system.h"
#include "storage/wal_format.h"

namespace cordwood {

struct WalWriterOptions {
  uint64_t file_bytes = 64u << 20;  ///< a new file of the set begins beyond this
  uint32_t group_wait_us =
      1000;  ///< how long a leader waits for company when others are on their way; 0 in simulations
};

/// Appends records to the WAL files of one generation: `<dir>/<generation>-<n>.wal`.
/// append() may be called by many threads; the first to wait becomes the leader, writes all that wait and syncs
/// once for them all.  After a failed write or sync this writer answers unavailable for ever, to the waiting
/// requests too, and the engine begins a new generation.
class WalWriter {
 public:
  /// Creates the first file (durable name included).  `seed` goes into every checksum together with the sequence.
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
  /// Queues without waiting; keeps the order of calls.  The bytes are encoded before it returns.
  virtual uint64_t enqueue(const Push& push) = 0;
  /// Returns when the ticket from enqueue() is durable.
  virtual Result<void> wait(uint64_t ticket) = 0;
  virtual bool failed() const = 0;
  virtual uint64_t bytes() const = 0;  ///< written so far, all files
};

}  // namespace cordwood
