// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/base/object_store.h"
#include "storage/day_ids_meta.h"
#include "storage/deletion.h"
#include "storage/segment.h"
#include "storage/wal_format.h"

namespace cordwood {

/// One atomic change of what the store consists of (design §6).
struct CatalogChange {
  std::vector<SegmentMeta> added;
  std::vector<std::string> removed;            ///< segment keys
  std::vector<WalLog> generations_done;        ///< of this node: these logs are not to be replayed any more
  std::vector<DeleteRequest> deletes = {};     ///< new, or in place of the one with the same id
  std::vector<std::string> deletes_gone = {};  ///< ids
  std::vector<LegalHold> holds = {};           ///< likewise
  std::vector<std::string> holds_gone = {};    ///< ids
  std::string opened_by = {};                  ///< a process that has the manifest for itself from here on
  std::vector<DayIdsMeta> day_ids = {};        ///< common id tables; with one of its segments a table goes by itself
  std::vector<std::string> day_ids_gone = {};  ///< keys

  bool changes_acts() const {
    return !deletes.empty() || !deletes_gone.empty() || !holds.empty() || !holds_gone.empty();
  }
};

/// What is deleted and what is held, by creation.
struct CatalogActs {
  std::vector<DeleteRequest> deletes;
  std::vector<LegalHold> holds;
  bool operator==(const CatalogActs&) const = default;
};

struct CatalogOptions {
  std::string sqlite_path;  ///< local view; may be missing, stale or damaged: then it is made again
  std::string node = "node-1";
  uint64_t snapshot_every = 256;  ///< manifest objects between snapshots
  size_t parallel_reads = 1;      ///< manifest objects read, and orphans removed, at the same time
  bool late_view = false;  ///< what is read at the start gets into the local view with store_view() at the latest
};

/// The list of segments: numbered manifest objects in the object store are the truth
/// (`manifest/<node>/<20-digit number>`), SQLite is the local view with the last number applied.
/// commit() may be called by one thread at a time; reads are thread-safe.
class Catalog {
 public:
  /// Applies the manifest objects that the local view lacks.  The first open of an empty store writes change 1,
  /// which is empty.  corrupt when manifest objects that are needed are damaged or missing, or when the store has
  /// segments of this node but no manifest at all; invalid for a manifest of a newer version.
  static Result<std::unique_ptr<Catalog>> open(FileSystem& fs, ObjectStore& store, CatalogOptions options, Logger& log);
  virtual ~Catalog() = default;
  /// Durable when it returns: first the manifest object, then the local view.  A failure of the local view alone
  /// is logged and mended at the next open; the change counts as made.  After an error the change may or may not
  /// have been made: offering the very same one again is right in both cases.
  virtual Result<void> commit(const CatalogChange& change) = 0;
  virtual std::vector<SegmentMeta> segments() const = 0;
  /// Common id tables: each of segments that are all named, none named twice.
  virtual std::vector<DayIdsMeta> day_ids() const = 0;
  virtual CatalogActs acts() const = 0;
  /// Grows by one with a commit() that changed acts() and brought nothing else along, by more when they may have
  /// changed in another way.
  virtual uint64_t acts_version() const = 0;
  /// Takes over what others have changed, and from then on has the manifest for itself, as long as nobody else claims
  /// it: once another's change is found there, commit() answers unavailable for good.  `session` names this process.
  virtual Result<void> claim(const std::string& session) = 0;
  /// Whether another has it now, as commit() found.
  virtual bool taken_over() const = 0;
  /// unavailable when it has a change that this process does not know, or does not know the fate of; one request.  On
  /// the thread that commits.
  virtual Result<void> check_alone() = 0;
  /// Makes the local view what the manifest says, should it lag behind.  On the thread that commits.
  virtual void store_view() = 0;
  /// Ids of delete requests that the local view did not have when this was opened: another machine granted them, or
  /// this one just before it crashed.  None without such a view.
  virtual const std::set<std::string>& deletes_learned() const = 0;
  /// Whether the rows of this very log are in segments.
  virtual bool log_done(const WalLog& log) const = 0;
  /// Whether those of any log with this number are.
  virtual bool generation_done(uint64_t generation) const = 0;
  /// Largest generation number ever marked done, 0 if none.
  virtual uint64_t last_generation_done() const = 0;
  virtual uint64_t version() const = 0;  ///< number of the last manifest object applied
  /// Removes objects under `segments/<node>/` that no manifest names and that are not in `keep`; for start-up
  /// and after a grace period, on the thread that commits.  Returns how many.
  virtual Result<uint64_t> remove_orphans(const std::vector<std::string>& keep) = 0;
};

/// `<dir>` as an object store: a key is a path below it.  put is write to a temporary name, sync, link by rename,
/// sync of the directory.
Result<std::unique_ptr<ObjectStore>> open_directory_store(FileSystem& fs, const std::string& dir);
/// The same for somebody who only reads while a server may be writing: what is being written is left alone.
std::unique_ptr<ObjectStore> view_directory_store(FileSystem& fs, const std::string& dir);

}  // namespace cordwood
