// SPDX-License-Identifier: Apache-2.0
#include "index/stream_index.h"

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "index/day_index.h"
#include "index/index_state.h"
#include "storage/base/mutex.h"

namespace cordwood::index {

namespace {

/// Streams by identity: id first, confirmed by labels.
class StreamSet {
 public:
  bool insert(const StreamPtr& stream) {
    const auto [begin, end] = by_id_.equal_range(stream->id);
    for (auto it = begin; it != end; ++it) {
      if (it->second->same_as(*stream)) return false;
    }
    by_id_.emplace(stream->id, stream);
    return true;
  }
  void erase(const StreamPtr& stream) {
    const auto [begin, end] = by_id_.equal_range(stream->id);
    for (auto it = begin; it != end; ++it) {
      if (it->second->same_as(*stream)) {
        by_id_.erase(it);
        return;
      }
    }
  }
  std::vector<StreamPtr> all() const {
    std::vector<StreamPtr> out;
    out.reserve(by_id_.size());
    for (const auto& [id, stream] : by_id_) out.push_back(stream);
    return out;
  }
  bool empty() const { return by_id_.empty(); }
  size_t size() const { return by_id_.size(); }

 private:
  std::unordered_multimap<StreamId, StreamPtr, StreamIdHash> by_id_;
};

class XapianStreamIndex final : public StreamIndex {
 public:
  XapianStreamIndex(StreamIndexOptions options, FileSystem& fs, Logger& log)
      : options_(std::move(options)), fs_(fs), log_(log) {}

  Result<void> load() {
    const MutexLock lock(db_mu_);
    TRY(fs_.create_directories(options_.directory));
    Result<IndexState> state = IndexState::load(fs_, options_.directory);
    if (state.ok()) {
      state_ = std::move(state).value();
    } else if (state.error().kind != ErrorKind::not_found) {
      log_.warn("stream index: state unreadable, rebuilding", {{"error", state.error().message}});
    }
    return remove_unknown_days();
  }

  Result<void> sync(std::function<SnapshotPtr()> snapshot) override {
    const MutexLock lock(db_mu_);
    snapshot_ = std::move(snapshot);
    const SnapshotPtr now = snapshot_();
    std::set<int32_t> days;
    for (const Snapshot::TenantDay& td : now->published_days()) days.insert(td.day);
    const bool current = state_.catalog_version >= now->catalog_version();
    bool complete = true;
    for (const int32_t day : days) {
      const bool intact = is_intact(day);
      if (intact && current) continue;
      if (!intact) TRY(discard(day));
      complete = false;
      const std::vector<StreamPtr> streams = now->published_streams_of(day);
      const MutexLock pending_lock(pending_mu_);
      for (const StreamPtr& stream : streams) pending_[day].insert(stream);
    }
    if (!complete) return {};
    state_.catalog_version = now->catalog_version();
    return state_.save(fs_, options_.directory);
  }

  Result<void> commit(uint64_t catalog_version) override {
    std::vector<int32_t> days;
    {
      const MutexLock lock(pending_mu_);
      for (const auto& [day, streams] : pending_) days.push_back(day);
    }
    // After a start there may be many: queries get their turn between them.
    for (const int32_t day : days) {
      const MutexLock lock(db_mu_);
      TRY(write_pending(day));
    }
    const MutexLock lock(db_mu_);
    // Changes without new streams (merges) count too, or the next start would read all of them again.
    if (days.empty() && catalog_version <= state_.catalog_version) return {};
    state_.catalog_version = std::max(state_.catalog_version, catalog_version);
    return state_.save(fs_, options_.directory);
  }

  Result<void> forget(const TenantId& tenant, TimeRange range) override {
    if (range.empty()) return {};
    const MutexLock lock(db_mu_);
    if (!snapshot_) return Error::invalid("stream index: it has not been synced");
    std::set<int32_t> days;
    {
      const MutexLock pending_lock(pending_mu_);
      for (const auto& [day, streams] : pending_) days.insert(day);
    }
    for (const auto& [day, files] : state_.days) days.insert(day);
    std::erase_if(days, [&](int32_t day) { return day < day_of(range.start_ns) || day > day_of(range.end_ns - 1); });
    bool changed = false;
    for (const int32_t day : days) {
      TRY_ASSIGN(const bool forgotten, forget_day(day, tenant));
      changed = changed || forgotten;
    }
    return changed ? state_.save(fs_, options_.directory) : Result<void>();
  }

  void on_stream_day(const StreamPtr& stream, int32_t day) override {
    const MutexLock lock(pending_mu_);
    pending_[day].insert(stream);
  }

  Result<std::vector<StreamPtr>> select(const TenantId& tenant, TimeRange range,
                                        std::span<const Matcher> matchers) const override {
    std::vector<StreamPtr> out;
    if (range.empty()) return out;
    const int32_t first = day_of(range.start_ns);
    const int32_t last = day_of(range.end_ns - 1);
    StreamSet found;
    const auto take = [&](const StreamPtr& stream) {
      if (found.insert(stream)) out.push_back(stream);
    };
    {
      // Memory first: a stream that is being committed leaves it only after the database has it.
      const MutexLock lock(pending_mu_);
      for (auto it = pending_.lower_bound(first); it != pending_.end() && it->first <= last; ++it) {
        for (const StreamPtr& stream : it->second.all()) {
          if (stream->tenant == tenant && matches_all(stream->labels, matchers.data(), matchers.size())) take(stream);
        }
      }
    }
    const MutexLock lock(db_mu_);
    std::vector<int32_t> days;
    for (auto it = state_.days.lower_bound(first); it != state_.days.end() && it->first <= last; ++it) {
      days.push_back(it->first);
    }
    for (const int32_t day : days) {
      TRY_ASSIGN(const std::vector<StreamPtr> streams, select_day(day, tenant, matchers));
      for (const StreamPtr& stream : streams) take(stream);
    }
    std::sort(out.begin(), out.end(),
              [](const StreamPtr& a, const StreamPtr& b) { return a->label_string < b->label_string; });
    return out;
  }

  uint64_t memory_bytes() const override {
    constexpr uint64_t kBytesPerPending = 256;
    uint64_t bytes = 0;
    {
      const MutexLock lock(pending_mu_);
      for (const auto& [day, streams] : pending_) bytes += streams.size() * kBytesPerPending;
    }
    const MutexLock lock(db_mu_);
    for (const Open& open : open_) bytes += open.db->memory_bytes();
    return bytes;
  }

 private:
  struct Open {
    int32_t day = 0;
    std::unique_ptr<DayIndex> db;
  };

  std::string path(int32_t day) const { return fmt::format("{}/{}", options_.directory, day); }

  bool is_intact(int32_t day) const REQUIRES(db_mu_) {
    const auto known = state_.days.find(day);
    if (known == state_.days.end()) return false;
    const Result<DayFiles> now = sum_files(fs_, path(day));
    return now.ok() && *now == known->second;
  }

  /// The day's database; databases not used lately are closed.
  Result<DayIndex*> database(int32_t day) const REQUIRES(db_mu_) {
    const auto it = std::find_if(open_.begin(), open_.end(), [day](const Open& o) { return o.day == day; });
    if (it != open_.end()) {
      open_.splice(open_.begin(), open_, it);
      return open_.front().db.get();
    }
    while (open_.size() >= std::max<uint32_t>(options_.max_open_days, 1)) open_.pop_back();
    TRY_ASSIGN(std::unique_ptr<DayIndex> db, DayIndex::open(path(day)));
    open_.push_front({day, std::move(db)});
    return open_.front().db.get();
  }

  /// The day's streams that are in memory alone; whether there were any.
  Result<bool> write_pending(int32_t day) const REQUIRES(db_mu_) {
    std::vector<StreamPtr> due;
    {
      const MutexLock lock(pending_mu_);
      const auto waiting = pending_.find(day);
      if (waiting != pending_.end()) due = waiting->second.all();
    }
    if (due.empty()) return false;
    TRY(write_day(day, due));
    const MutexLock lock(pending_mu_);
    StreamSet& waiting = pending_[day];
    for (const StreamPtr& stream : due) waiting.erase(stream);
    if (waiting.empty()) pending_.erase(day);
    return true;
  }

  /// Rows of a stream that leaves `pending_` here can be seen by the snapshot that is taken after: a stream is told of
  /// under the same lock as its first row is added.
  Result<bool> forget_day(int32_t day, const TenantId& tenant) const REQUIRES(db_mu_) {
    TRY_ASSIGN(const bool written, write_pending(day));
    const SnapshotPtr now = snapshot_();
    StreamSet alive;
    for (const StreamPtr& stream : now->all_streams(tenant, day)) alive.insert(stream);
    TRY_ASSIGN(const std::vector<StreamPtr> known, select_day(day, tenant, {}));
    // insert() tells whether it was not there.
    if (std::none_of(known.begin(), known.end(), [&](const StreamPtr& stream) { return alive.insert(stream); })) {
      return written;
    }
    TRY(discard(day, /*damaged=*/false));
    for (const TenantId& other : now->tenants()) {
      const std::vector<StreamPtr> streams = now->all_streams(other, day);
      if (!streams.empty()) TRY(write_day(day, streams));
    }
    return true;
  }

  Result<void> discard(int32_t day, bool damaged = true) const REQUIRES(db_mu_) {
    open_.remove_if([day](const Open& o) { return o.day == day; });
    state_.days.erase(day);
    TRY_ASSIGN(const bool exists, fs_.exists(path(day)));
    if (!exists) return {};
    if (damaged) log_.warn("stream index: rebuilding a day from its segments", {{"day", day}});
    TRY_ASSIGN(const std::vector<std::string> names, fs_.list(path(day)));
    for (const std::string& name : names) TRY(fs_.remove(path(day) + "/" + name));
    return fs_.remove_directory(path(day));
  }

  Result<void> write_day(int32_t day, std::span<const StreamPtr> streams) const REQUIRES(db_mu_) {
    TRY_ASSIGN(DayIndex * db, database(day));
    TRY(db->add(streams));
    TRY_ASSIGN(state_.days[day], sum_files(fs_, path(day)));
    return {};
  }

  /// All tenants at once: what takes long is that it is durable.
  Result<void> fill(int32_t day, const Snapshot& snapshot) const REQUIRES(db_mu_) {
    return write_day(day, snapshot.published_streams_of(day));
  }

  Result<void> rebuild(int32_t day) const REQUIRES(db_mu_) {
    TRY(discard(day));
    if (!snapshot_) return Error::corrupt(fmt::format("stream index: day {} is damaged", day));
    TRY(fill(day, *snapshot_()));
    return state_.save(fs_, options_.directory);
  }

  Result<std::vector<StreamPtr>> select_day(int32_t day, const TenantId& tenant,
                                            std::span<const Matcher> matchers) const REQUIRES(db_mu_) {
    Result<DayIndex*> db = database(day);
    if (db.ok()) {
      Result<std::vector<StreamPtr>> streams = (*db)->select(tenant, matchers);
      if (streams.ok() || streams.error().kind != ErrorKind::corrupt) return streams;
      log_.error("stream index: damaged while in use", {{"day", day}, {"error", streams.error().message}});
    } else if (db.error().kind != ErrorKind::corrupt) {
      return db.error();
    }
    TRY(rebuild(day));
    TRY_ASSIGN(DayIndex * again, database(day));
    return again->select(tenant, matchers);
  }

  /// Databases that the state does not name were being written when the power went.
  Result<void> remove_unknown_days() REQUIRES(db_mu_) {
    TRY_ASSIGN(const std::vector<std::string> names, fs_.list(options_.directory));
    for (const std::string& name : names) {
      if (!name.ends_with('/')) continue;
      const std::string day = name.substr(0, name.size() - 1);
      const bool known = std::any_of(state_.days.begin(), state_.days.end(),
                                     [&day](const auto& entry) { return std::to_string(entry.first) == day; });
      if (known) continue;
      const std::string directory = options_.directory + "/" + day;
      TRY_ASSIGN(const std::vector<std::string> files, fs_.list(directory));
      for (const std::string& file : files) TRY(fs_.remove(directory + "/" + file));
      TRY(fs_.remove_directory(directory));
    }
    return {};
  }

  // Constant after construction.
  const StreamIndexOptions options_;
  FileSystem& fs_;
  Logger& log_;

  mutable Mutex db_mu_;  ///< taken before pending_mu_
  mutable IndexState state_ GUARDED_BY(db_mu_);
  mutable std::list<Open> open_ GUARDED_BY(db_mu_);  ///< most recently used first
  std::function<SnapshotPtr()> snapshot_ GUARDED_BY(db_mu_);

  mutable Mutex pending_mu_;
  mutable std::map<int32_t, StreamSet> pending_ GUARDED_BY(pending_mu_);
};

}  // namespace

Result<std::unique_ptr<StreamIndex>> StreamIndex::open(StreamIndexOptions options, FileSystem& fs, Logger& log) {
  auto index = std::make_unique<XapianStreamIndex>(std::move(options), fs, log);
  TRY(index->load());
  return std::unique_ptr<StreamIndex>(std::move(index));
}

}  // namespace cordwood::index
