// SPDX-License-Identifier: Apache-2.0
#include "storage/catalog.h"

#include <algorithm>
#include <optional>

#include "storage/base/mutex.h"
#include "storage/catalog_view.h"
#include "storage/manifest_store.h"
#include "storage/segment_key.h"

namespace cordwood {

namespace {

class ManifestCatalog final : public Catalog {
 public:
  ManifestCatalog(FileSystem& fs, ObjectStore& store, CatalogOptions options, Logger& log)
      : fs_(fs),
        store_(store),
        options_(std::move(options)),
        log_(log),
        manifest_(store, options_.node, log, options_.parallel_reads) {}

  Result<void> open();
  Result<void> commit(const CatalogChange& change) override;
  Result<void> claim(const std::string& session) override;
  bool taken_over() const override {
    MutexLock lock(mu_);
    return taken_over_;
  }
  Result<void> check_alone() override { return manifest_.check_alone(writer_state_); }
  Result<uint64_t> remove_orphans(const std::vector<std::string>& keep) override;

  std::vector<SegmentMeta> segments() const override {
    MutexLock lock(mu_);
    std::vector<SegmentMeta> all;
    all.reserve(state_.segments.size());
    for (const auto& [key, meta] : state_.segments) all.push_back(meta);
    return all;
  }
  std::vector<DayIdsMeta> day_ids() const override {
    MutexLock lock(mu_);
    std::vector<DayIdsMeta> all;
    all.reserve(state_.day_ids.size());
    for (const auto& [key, meta] : state_.day_ids) all.push_back(meta);
    return all;
  }
  void store_view() override {
    if (view_lags_) renew_view();
  }
  const std::set<std::string>& deletes_learned() const override { return deletes_learned_; }
  CatalogActs acts() const override {
    MutexLock lock(mu_);
    return state_.acts();
  }
  uint64_t acts_version() const override {
    MutexLock lock(mu_);
    return acts_version_;
  }
  bool log_done(const WalLog& log) const override {
    MutexLock lock(mu_);
    return state_.log_done(log);
  }
  bool generation_done(uint64_t generation) const override {
    MutexLock lock(mu_);
    const auto found = state_.generations_done.lower_bound({generation, 0});
    return found != state_.generations_done.end() && found->generation == generation;
  }
  uint64_t last_generation_done() const override {
    MutexLock lock(mu_);
    return state_.generations_done.empty() ? 0 : state_.generations_done.rbegin()->generation;
  }
  uint64_t version() const override {
    MutexLock lock(mu_);
    return state_.version;
  }

 private:
  CatalogState load_view();
  void learn_deletes();
  void let_view_lag();
  void drop_view(const Error& why);
  void renew_view();
  void view_change(const CatalogChange& change);
  void publish() {
    MutexLock lock(mu_);
    state_ = writer_state_;
    acts_version_ += 2;
  }
  /// The same when one change alone is new: the state may be large.
  void publish(const CatalogChange& change) {
    MutexLock lock(mu_);
    state_.apply(change);
    state_.version = writer_state_.version;
    state_.checksum = writer_state_.checksum;
    if (change.changes_acts()) ++acts_version_;
  }

  FileSystem& fs_;
  ObjectStore& store_;
  const CatalogOptions options_;
  Logger& log_;

  // The committing thread's alone.
  ManifestStore manifest_;
  std::unique_ptr<CatalogView> view_;  ///< null after a failure: made again at the next open
  CatalogState writer_state_;
  bool view_lags_ = false;

  std::optional<std::set<std::string>> deletes_viewed_;  ///< those of the local view, if there was one
  std::set<std::string> deletes_learned_;                ///< constant once open and claimed

  mutable Mutex mu_;
  CatalogState state_ GUARDED_BY(mu_);
  uint64_t acts_version_ GUARDED_BY(mu_) = 0;
  bool taken_over_ GUARDED_BY(mu_) = false;
};

/// The view's state, or an empty one; in that case view_ may be null.
CatalogState ManifestCatalog::load_view() {
  for (int attempt = 0; attempt < 2; ++attempt) {
    Result<std::unique_ptr<CatalogView>> opened = CatalogView::open(fs_, options_.sqlite_path);
    Result<CatalogState> state = opened.ok() ? (*opened)->load(options_.node) : opened.error();
    if (state.ok()) {
      view_ = std::move(*opened);
      return std::move(*state);
    }
    if (opened.ok()) opened->reset();
    drop_view(state.error());
  }
  return {};
}

/// Whatever the view held is in the manifest too.
void ManifestCatalog::drop_view(const Error& why) {
  view_.reset();
  log_.warn("the local view of the catalog is dropped; it will be made again from the manifest",
            {{"path", options_.sqlite_path}, {"error", why.message}});
  const Result<void> removed = CatalogView::remove(fs_, options_.sqlite_path);
  if (!removed.ok()) log_.warn("the local view could not be removed", {{"error", removed.error().message}});
}

void ManifestCatalog::renew_view() {
  view_lags_ = false;
  if (view_ == nullptr) return;
  const Result<void> stored = view_->store(options_.node, writer_state_);
  if (!stored.ok()) drop_view(stored.error());
}

/// The last change, of a view that had all before it.
void ManifestCatalog::view_change(const CatalogChange& change) {
  if (view_ == nullptr) return;
  const Result<void> viewed = view_->apply(options_.node, change, writer_state_);
  if (!viewed.ok()) drop_view(viewed.error());
}

Result<void> ManifestCatalog::open() {
  TRY(fs_.create_directories(parent_directory(options_.sqlite_path)));
  writer_state_ = load_view();
  const uint64_t before = writer_state_.version;
  if (before > 0) {
    deletes_viewed_.emplace();
    for (const auto& [id, request] : writer_state_.deletes) deletes_viewed_->insert(id);
  }
  bool rebuilt = false;
  TRY(manifest_.load(&writer_state_, &rebuilt));
  learn_deletes();
  if (rebuilt || writer_state_.version != before) {
    log_.info(
        "catalog brought up to date from the manifest",
        {{"from", rebuilt ? 0 : before}, {"to", writer_state_.version}, {"segments", writer_state_.segments.size()}});
    let_view_lag();
  }
  publish();
  return {};
}

/// The state has more than the view, until store_view().
void ManifestCatalog::let_view_lag() {
  view_lags_ = true;
  if (!options_.late_view) store_view();
}

void ManifestCatalog::learn_deletes() {
  for (const auto& [id, request] : writer_state_.deletes) {
    if (deletes_viewed_ && !deletes_viewed_->contains(id)) deletes_learned_.insert(id);
  }
}

Result<void> ManifestCatalog::claim(const std::string& session) {
  const uint64_t before = writer_state_.version;
  const Result<void> made = manifest_.claim(session, &writer_state_);
  if (writer_state_.version == before) return made;
  if (made.ok() && writer_state_.version == before + 1 && !view_lags_) {
    // Ours alone: nothing but the number is new.
    view_change({});
  } else {
    learn_deletes();
    let_view_lag();
  }
  publish();
  return made;
}

Result<void> ManifestCatalog::commit(const CatalogChange& change) {
  const uint64_t before = writer_state_.version;
  const Result<void> made = manifest_.append(change, &writer_state_);
  // Even when it failed, changes of others (or ours of a lost answer) may have been applied on the way.
  if (made.ok() && writer_state_.version == before + 1 && !view_lags_) {
    view_change(change);
  } else if (writer_state_.version != before) {
    renew_view();
  }
  if (made.ok() && writer_state_.version == before + 1) {
    publish(change);
  } else if (writer_state_.version != before) {
    publish();
  }
  if (!made.ok() && manifest_.taken_over()) {
    MutexLock lock(mu_);
    taken_over_ = true;
  }
  TRY(made);
  if (writer_state_.version - manifest_.last_snapshot() >= options_.snapshot_every) {
    const Result<void> written = manifest_.write_snapshot(writer_state_);
    if (!written.ok()) log_.warn("a manifest snapshot could not be written", {{"error", written.error().message}});
  }
  return {};
}

Result<uint64_t> ManifestCatalog::remove_orphans(const std::vector<std::string>& keep) {
  // A change whose answer was lost names segments that this process believes unpublished.
  const uint64_t before = writer_state_.version;
  const Result<void> current = manifest_.catch_up(&writer_state_);
  if (writer_state_.version != before) {
    let_view_lag();
    publish();
  }
  TRY(current);
  return store_.remove_where(segment_prefix(options_.node), options_.parallel_reads, [&](const std::string& key) {
    return !writer_state_.names_object(key) && std::find(keep.begin(), keep.end(), key) == keep.end();
  });
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(FileSystem& fs, ObjectStore& store, CatalogOptions options,
                                               Logger& log) {
  auto catalog = std::make_unique<ManifestCatalog>(fs, store, std::move(options), log);
  TRY(catalog->open());
  return std::unique_ptr<Catalog>(std::move(catalog));
}

}  // namespace cordwood
