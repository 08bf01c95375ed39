// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/base/object_store.h"
#include "storage/base/random.h"
#include "storage/base/task_runner.h"
#include "storage/block_builder.h"
#include "storage/retention_rules.h"
#include "storage/snapshot.h"
#include "storage/wal_writer.h"

namespace cordwood {

class DeleteTarget;
class MergeTarget;
class RowPredicateCompiler;
class RowListener;
class SegmentTermsOpener;

struct EngineOptions {
  std::string data_dir = "data";  ///< wal/, spill/, catalog.sqlite, objects/ (unless a store is given)
  std::string node = "node-1";
  /// Other machines may open the store as the same node: whoever opened it last has it, the others stop.
  bool claim_node = false;
  uint64_t block_raw_bytes = 8u << 20;  ///< a family's rows seal at this size
  uint32_t block_rows = 64u << 10;      ///< or at this many rows
  /// A head block with fewer rows keeps nothing for the next query: there may be very many.
  uint32_t head_keeps_from_rows = 256;
  uint64_t generation_raw_bytes = 512u << 20;   ///< a generation closes beyond this
  int64_t generation_age_ns = 300'000'000'000;  ///< or this long after its first row
  uint32_t max_pending_generations = 2;         ///< closed but not published; beyond it appends get unavailable
  /// Instead of that number: appends get unavailable while closed generations wait and WAL and sealed blocks of all
  /// that is not published take this much of the local disk.  0: the number counts.
  uint64_t local_pending_bytes = 0;
  int64_t append_wait_ns = 5'000'000'000;  ///< how long an append waits for room in the head before it is refused
  uint64_t segment_bytes = 256u << 20;     ///< a generation larger than this becomes several segments
  uint32_t generation_segments = 8;        ///< at most so many: then they are larger
  uint32_t parallel_reads = 48;            ///< objects read at the same time when the store is opened
  /// An append is answered when its WAL record is an object of the store, too: a lost disk loses nothing.
  bool ack_in_store = false;
  int64_t ack_timeout_ns = 10'000'000'000;  ///< how long the store may take for it
  int64_t ack_interval_ns = 0;              ///< puts of the log begin so far apart, at least
  WalWriterOptions wal;
  BlockBuilderOptions block;
  RetentionRules retention;  ///< rows beyond it are not seen
};

/// What the engine needs of the world; all outlive it.
struct EngineEnvironment {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  ObjectStore* store = nullptr;
  MemoryAccountant* memory = nullptr;
  Random* random = nullptr;          ///< marks of logs
  TaskRunner* background = nullptr;  ///< sealing and publishing
  WalBodyDecoder* body_decoder = nullptr;
  StreamListener* streams = nullptr;    ///< may be null
  SegmentTermsOpener* terms = nullptr;  ///< may be null: Xapian parts rule nothing out
  Logger* log = nullptr;
  Metrics* metrics = nullptr;
  RowListener* rows = nullptr;                       ///< may be null; is not told of what is replayed
  const RowPredicateCompiler* predicates = nullptr;  ///< null: nothing can be deleted or held
};

/// The store: append, snapshot, flush.  Thread-safe.
///
/// A row is acknowledged when its WAL record is durable; from then on every snapshot shows it, in the head or in a
/// published segment, exactly once.  Closing a generation: its blocks seal, its segments are written and made
/// durable, one catalog change names them and marks the generation done, snapshots swap in the same step, then its
/// WAL and spill files go.
class Engine {
 public:
  /// Opens catalog and segments, replays the generations not marked done, removes leftovers.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options, EngineEnvironment environment);
  virtual ~Engine() = default;

  struct Appended {
    uint64_t rows = 0;
    uint64_t duplicates = 0;  ///< dropped: equal to a row in the head
  };
  /// Durable and visible on success.  `body` is what the WAL keeps; null: the batch itself is encoded.
  /// unavailable: disk full, WAL broken, or the head is at its limit (the client should try again).
  virtual Result<Appended> append(const RowBatch& batch, const WalBody* body) = 0;
  virtual SnapshotPtr snapshot() const = 0;
  /// Grows before an append that added rows returns, and when rows are hidden or seen again: snapshots taken between
  /// two equal answers show the same rows to whoever knows of acknowledged rows alone.
  virtual uint64_t version() const = 0;
  /// The oldest time of rows that a snapshot taken now may show and one taken when version() was `version` did not;
  /// INT64_MAX: there are none.
  virtual int64_t oldest_since(const TenantId& tenant, uint64_t version) const = 0;
  /// Closes the current generation and returns when everything acknowledged so far is published.
  virtual Result<void> flush() = 0;
  /// Work that is due by time (age of the generation, orphans); call about once a second.
  virtual void tick() = 0;
  /// Bytes and counts for /metrics and for tests.
  struct Status {
    uint64_t head_rows = 0;
    uint64_t head_bytes = 0;
    uint64_t pending_generations = 0;
    uint64_t wal_bytes = 0;
    uint64_t pending_bytes = 0;  ///< on the local disk: WAL and sealed blocks of generations not published
    uint64_t segments = 0;
    uint64_t segment_bytes = 0;
    bool writable = true;
    bool taken_over = false;
  };
  virtual Status status() const = 0;
  /// Why nothing is taken or published any more: another server has opened the store as this node.  Only a new start
  /// ends that.  Empty while all is well.
  virtual std::string taken_over() const { return ""; }
  /// The interned stream for labels of a tenant; the same object for as long as somebody holds it.
  virtual StreamPtr stream(const TenantId& tenant, StreamKind kind, const Labels& labels) = 0;
  /// Where segments can be replaced by others (storage/merge_target.h); null when they cannot.
  virtual MergeTarget* merge_target() { return nullptr; }
  /// Where rows are deleted and held (storage/delete_target.h); null when they cannot be.
  virtual DeleteTarget* delete_target() { return nullptr; }
};

}  // namespace cordwood
