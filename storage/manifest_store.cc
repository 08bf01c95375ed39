// SPDX-License-Identifier: Apache-2.0
#include "storage/manifest_store.h"

#include <algorithm>

#include "storage/base/parallel.h"
#include "storage/segment_key.h"

namespace cordwood {

namespace {

constexpr size_t kNumberDigits = 20;
constexpr uint64_t kMaxObjectBytes = 1u << 30;
constexpr int kMaxConflicts = 1000;
constexpr size_t kReadAhead = 512;  ///< changes held in memory; snapshots come more often

}  // namespace

/// Objects `<prefix><20 digits>` with a number above `after`, ascending.
Result<std::vector<ManifestStore::Found>> ManifestStore::list_numbers(const std::string& prefix, uint64_t after) {
  std::vector<Found> found;
  std::string last = fmt::format("{}{:020}", prefix, after);
  while (true) {
    TRY_ASSIGN(const std::vector<ObjectInfo> page, store_.list(prefix, last, kListPage));
    for (const ObjectInfo& object : page) {
      const std::string_view digits = std::string_view(object.key).substr(prefix.size());
      const bool number = digits.size() == kNumberDigits &&
                          std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!number && prefix == manifest_prefix(node_)) return found;  // snapshots come after all digits
      if (number) found.push_back({std::stoull(std::string(digits)), object.key, object.size_bytes});
    }
    if (page.size() < kListPage) return found;
    last = page.back().key;
  }
}

Result<ManifestObject> ManifestStore::read(const std::string& key, uint64_t size_bytes, uint64_t number,
                                           ManifestObject::Kind kind, uint64_t* checksum) {
  if (size_bytes > kMaxObjectBytes) return Error::corrupt(fmt::format("{}: {} bytes", key, size_bytes));
  TRY_ASSIGN(const std::string bytes, store_.get_range(key, 0, size_bytes));
  Result<ManifestObject> object = decode_manifest(bytes);
  if (!object.ok()) return object.error().with_context(key);
  if (object->number != number || object->node != node_ || object->kind != kind) {
    return Error::corrupt(fmt::format("{}: holds number {} of node {}", key, object->number, object->node));
  }
  *checksum = manifest_checksum(bytes);
  return object;
}

Result<void> ManifestStore::apply(const ManifestObject& object, uint64_t checksum, CatalogState* state) {
  if (object.number != state->version + 1) {
    return Error::corrupt(fmt::format("manifest of node {}: number {} is missing, {} is there", node_,
                                      state->version + 1, object.number));
  }
  if (object.previous != state->checksum) {
    return Error::corrupt(
        fmt::format("manifest of node {}: number {} does not follow the one before it", node_, object.number));
  }
  state->apply(object.change);
  state->version = object.number;
  state->checksum = checksum;
  return {};
}

Result<void> ManifestStore::catch_up(CatalogState* state) {
  TRY_ASSIGN(const std::vector<Found> changes, list_numbers(manifest_prefix(node_), state->version));
  struct Change {
    ManifestObject object;
    uint64_t checksum = 0;
  };
  for (size_t begin = 0; begin < changes.size(); begin += kReadAhead) {
    std::vector<Change> read_ahead(std::min(kReadAhead, changes.size() - begin));
    TRY(run_parallel(read_ahead.size(), parallel_reads_, [&](size_t i) -> Result<void> {
      const Found& found = changes[begin + i];
      Change& change = read_ahead[i];
      TRY_ASSIGN(change.object,
                 read(found.key, found.size_bytes, found.number, ManifestObject::Kind::change, &change.checksum));
      return {};
    }));
    for (const Change& change : read_ahead) TRY(apply(change.object, change.checksum, state));
  }
  return follow(state);
}

/// Goes on by key where the list ended: a list may be older than the newest objects, a look at a key is not.
Result<void> ManifestStore::follow(CatalogState* state) {
  for (;;) {
    const std::string key = manifest_key(node_, state->version + 1);
    const Result<ObjectInfo> info = store_.head(key);
    if (!info.ok() && info.error().kind == ErrorKind::not_found) return {};
    if (!info.ok()) return info.error();
    uint64_t checksum = 0;
    TRY_ASSIGN(const ManifestObject object,
               read(key, info->size_bytes, state->version + 1, ManifestObject::Kind::change, &checksum));
    TRY(apply(object, checksum, state));
  }
}

/// Whether the change that `state` ends with is the one the manifest has under that number.
Result<bool> ManifestStore::follows(const CatalogState& state) {
  const std::string key = manifest_key(node_, state.version);
  const Result<ObjectInfo> info = store_.head(key);
  if (!info.ok() && info.error().kind == ErrorKind::not_found) return false;
  if (!info.ok()) return info.error();
  uint64_t checksum = 0;
  const auto object = read(key, info->size_bytes, state.version, ManifestObject::Kind::change, &checksum);
  if (!object.ok() && object.error().kind != ErrorKind::corrupt) return object.error();
  return object.ok() && checksum == state.checksum;
}

/// The newest snapshot that can be read; an empty state when there is none.
Result<void> ManifestStore::load_snapshot(const std::vector<Found>& snapshots, CatalogState* state) {
  *state = {};
  for (auto found = snapshots.rbegin(); found != snapshots.rend(); ++found) {
    uint64_t checksum = 0;
    const auto object = read(found->key, found->size_bytes, found->number, ManifestObject::Kind::snapshot, &checksum);
    if (!object.ok() && object.error().kind != ErrorKind::corrupt) return object.error();
    if (!object.ok()) {
      log_.error("a manifest snapshot is damaged; an older one is used",
                 {{"key", found->key}, {"error", object.error().message}});
      continue;
    }
    state->apply(object->change);
    state->version = object->number;
    state->checksum = object->previous;
    return {};
  }
  return {};
}

Result<void> ManifestStore::load(CatalogState* state, bool* rebuilt) {
  bool usable = false;
  if (state->version > 0) {
    TRY_ASSIGN(usable, follows(*state));
  }
  *rebuilt = !usable;
  TRY_ASSIGN(const std::vector<Found> snapshots, list_numbers(manifest_prefix(node_) + "snapshot-", 0));
  if (!usable) TRY(load_snapshot(snapshots, state));
  TRY(catch_up(state));
  last_snapshot_ = snapshots.empty() ? 0 : snapshots.back().number;
  return state->version == 0 ? begin(state) : Result<void>();
}

Result<void> ManifestStore::read_all(CatalogState* state) {
  TRY_ASSIGN(const std::vector<Found> snapshots, list_numbers(manifest_prefix(node_) + "snapshot-", 0));
  TRY(load_snapshot(snapshots, state));
  return catch_up(state);
}

Result<void> ManifestStore::read_snapshot(uint64_t number, CatalogState* state) {
  const std::string key = manifest_snapshot_key(node_, number);
  TRY_ASSIGN(const ObjectInfo info, store_.head(key));
  *state = {};
  uint64_t checksum = 0;
  TRY_ASSIGN(const ManifestObject object,
             read(key, info.size_bytes, number, ManifestObject::Kind::snapshot, &checksum));
  state->apply(object.change);
  state->version = object.number;
  state->checksum = object.previous;
  return {};
}

/// The first change of all is empty.  It makes segments without any manifest a sign of loss, not of a crash.
Result<void> ManifestStore::begin(CatalogState* state) {
  TRY_ASSIGN(const std::vector<ObjectInfo> segments, store_.list(segment_prefix(node_), "", 1));
  if (!segments.empty()) {
    return Error::corrupt(fmt::format(
        "the store has segments of node {} ({}, …) but no manifest ({}…): it was lost; `cordwood repair` makes "
        "one of what the segments tell",
        node_, segments[0].key, manifest_prefix(node_)));
  }
  return append({}, state);
}

Result<void> ManifestStore::append(const CatalogChange& change, CatalogState* state) {
  for (int attempt = 0; attempt < kMaxConflicts; ++attempt) {
    const ManifestObject mine{ManifestObject::Kind::change, node_, state->version + 1, state->checksum, change};
    const std::string key = manifest_key(node_, mine.number);
    const std::string bytes = encode_manifest(mine);
    if (taken_over()) return Error::unavailable(taken_over_);
    offered_.insert(manifest_checksum(bytes));
    TRY_ASSIGN(const bool fresh, store_.put_if_absent(key, bytes));
    if (fresh) {
      offered_.clear();
      return apply(mine, manifest_checksum(bytes), state);
    }
    TRY_ASSIGN(const ObjectInfo info, store_.head(key));
    uint64_t checksum = 0;
    TRY_ASSIGN(const ManifestObject theirs,
               read(key, info.size_bytes, mine.number, ManifestObject::Kind::change, &checksum));
    if (claimed_ && !offered_.contains(checksum)) {
      taken_over_ = fmt::format(
          "another server writes as node {} since ({}): this one publishes nothing more; run one of them alone, and "
          "restart this one for what only its disk has",
          node_, key);
      return Error::unavailable(taken_over_);
    }
    offered_.clear();
    TRY(apply(theirs, checksum, state));
    if (encode_manifest(theirs) == bytes) return {};
    log_.warn("a manifest number was taken by another change", {{"key", key}});
  }
  return Error::unavailable(fmt::format("manifest of node {}: {} numbers in a row were taken", node_, kMaxConflicts));
}

Result<void> ManifestStore::claim(const std::string& session, CatalogState* state) {
  CatalogChange change;
  change.opened_by = session;
  TRY(append(change, state));
  claimed_ = true;
  return {};
}

Result<void> ManifestStore::check_alone(const CatalogState& state) {
  if (!claimed_) return {};
  const std::string key = manifest_key(node_, state.version + 1);
  const Result<ObjectInfo> next = store_.head(key);
  if (next.ok()) return Error::unavailable(key + ": a change that this server did not make, or not surely");
  return next.error().kind == ErrorKind::not_found ? Result<void>() : Result<void>(next.error());
}

Result<void> ManifestStore::write_snapshot(const CatalogState& state) {
  const ManifestObject object{ManifestObject::Kind::snapshot, node_, state.version, state.checksum, state.everything()};
  // One that is there already says the same: a number is applied by one change alone.
  TRY_ASSIGN(const bool fresh,
             store_.put_if_absent(manifest_snapshot_key(node_, state.version), encode_manifest(object)));
  static_cast<void>(fresh);
  const uint64_t covered = std::exchange(last_snapshot_, state.version);
  if (covered > 0) drop_covered(covered);
  return {};
}

/// Removes snapshots before `before` and changes before it; the change `before` itself stays, because a local view
/// that ends there is checked against it.
void ManifestStore::drop_covered(uint64_t before) {
  for (const std::string& prefix : {manifest_prefix(node_), manifest_prefix(node_) + "snapshot-"}) {
    const Result<std::vector<Found>> found = list_numbers(prefix, 0);
    if (!found.ok()) return;
    std::vector<std::string> covered;
    for (const Found& object : *found) {
      if (object.number < before) covered.push_back(object.key);
    }
    const Result<void> removed = store_.remove_all(covered, 1);
    if (!removed.ok()) log_.warn("old manifest objects stay", {{"error", removed.error().message}});
  }
}

}  // namespace cordwood
