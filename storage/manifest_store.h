// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "storage/manifest.h"

namespace cordwood {

/// The manifest of one node as objects in a store.  One thread at a time.
class ManifestStore {
 public:
  /// `parallel_reads`: objects read at the same time while it is loaded.
  ManifestStore(ObjectStore& store, std::string node, Logger& log, size_t parallel_reads = 1)
      : store_(store), node_(std::move(node)), log_(log), parallel_reads_(parallel_reads) {}

  /// Brings `state`, which may be empty, up to the newest change.  `rebuilt` tells that what it held did not belong
  /// to this manifest (or was older than what the manifest keeps) and that it was made anew.
  /// corrupt when objects that are needed are damaged or missing: nothing may then be taken for an orphan.
  Result<void> load(CatalogState* state, bool* rebuilt);
  /// The same for somebody who only looks: nothing is written, and without a manifest the state stays empty.
  Result<void> read_all(CatalogState* state);
  /// What the snapshot with this number says; not_found.
  Result<void> read_snapshot(uint64_t number, CatalogState* state);
  /// Applies the changes after `state->version`.
  Result<void> catch_up(CatalogState* state);
  /// Makes `change` durable under the next number and applies it.  A number that is taken is read: the very same
  /// change counts as made (its answer was lost), another one is applied first.  After an error the change may or
  /// may not have been made; offering it again is right in both cases.
  /// After claim() another's change is not applied: it and all that follow are answered unavailable.
  Result<void> append(const CatalogChange& change, CatalogState* state);
  /// Applies what others have changed and makes a change that says who goes on.
  Result<void> claim(const std::string& session, CatalogState* state);
  bool taken_over() const { return !taken_over_.empty(); }
  /// unavailable when there is a change after `state`.  Success always before claim().
  Result<void> check_alone(const CatalogState& state);
  /// Writes a snapshot of `state` and drops what two snapshots cover.
  Result<void> write_snapshot(const CatalogState& state);
  uint64_t last_snapshot() const { return last_snapshot_; }

 private:
  struct Found {
    uint64_t number = 0;
    std::string key;
    uint64_t size_bytes = 0;
  };
  Result<std::vector<Found>> list_numbers(const std::string& prefix, uint64_t after);
  Result<ManifestObject> read(const std::string& key, uint64_t size_bytes, uint64_t number, ManifestObject::Kind kind,
                              uint64_t* checksum);
  Result<void> follow(CatalogState* state);
  Result<bool> follows(const CatalogState& state);
  Result<void> load_snapshot(const std::vector<Found>& snapshots, CatalogState* state);
  Result<void> apply(const ManifestObject& object, uint64_t checksum, CatalogState* state);
  Result<void> begin(CatalogState* state);
  void drop_covered(uint64_t before);

  ObjectStore& store_;
  const std::string node_;
  Logger& log_;
  const size_t parallel_reads_;
  uint64_t last_snapshot_ = 0;
  bool claimed_ = false;
  std::set<uint64_t> offered_;  ///< checksums of changes whose fate is not known, under the next number
  std::string taken_over_;      ///< what to answer; empty: nobody else was found
};

}  // namespace cordwood
