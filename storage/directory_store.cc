// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <list>
#include <set>

#include "storage/base/mutex.h"
#include "storage/catalog.h"
#include "storage/object_key.h"

namespace cordwood {

namespace {

constexpr std::string_view kTemporary = "tmp";
constexpr size_t kMaxOpenObjects = 32;
constexpr size_t kMaxNameBytes = 255;  ///< of one path element, on every file system we know

/// A key must not lead out of the directory or into `tmp/`.
Result<void> check_key(std::string_view key) {
  return check_object_key(key, {.max_element_bytes = kMaxNameBytes, .reserved = kTemporary});
}

class DirectoryStore final : public ObjectStore {
 public:
  DirectoryStore(FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  Result<bool> put_if_absent(const std::string& key, std::string_view data) override;
  Result<std::unique_ptr<ObjectUpload>> upload(const std::string& key) override;
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override;
  void will_get(const std::string& key, ObjectRange range) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const std::string& after, size_t limit) override;
  Result<void> remove(const std::string& key) override;

  Result<void> open();
  /// Gives a synced temporary file its name.  False, with the temporary file removed, when the key is taken.
  Result<bool> publish(const std::string& temporary, const std::string& key);
  FileSystem& fs() { return fs_; }

 private:
  struct Listing {
    const std::string& prefix;
    const std::string& after;
    size_t limit;
    std::vector<ObjectInfo> found;
  };
  std::string path_of(const std::string& key) const { return dir_ + "/" + key; }
  std::string new_temporary() {
    return fmt::format("{}/{}/{}", dir_, kTemporary, next_temporary_.fetch_add(1, std::memory_order_relaxed));
  }
  /// An object that is being read: it never changes, so a few of them stay open.
  struct OpenObject {
    std::string key;
    std::unique_ptr<File> file;
    uint64_t size = 0;
  };
  Result<std::shared_ptr<const OpenObject>> open_object(const std::string& key) EXCLUDES(open_mu_);
  Result<void> sync_below(const std::string& path);
  Result<void> ensure_directory(const std::string& path) REQUIRES(mu_);
  Result<void> walk(const std::string& below, Listing* listing);

  FileSystem& fs_;
  const std::string dir_;
  std::atomic<uint64_t> next_temporary_{1};
  Mutex mu_;                                                   ///< makes look-and-rename one step
  std::set<std::string> durable_directories_ GUARDED_BY(mu_);  ///< whose own names are known to be durable
  Mutex open_mu_;
  std::list<std::shared_ptr<const OpenObject>> open_ GUARDED_BY(open_mu_);  ///< read last first
};

class DirectoryUpload final : public ObjectUpload {
 public:
  DirectoryUpload(DirectoryStore& store, std::string key, std::string temporary, std::unique_ptr<File> file)
      : store_(store), key_(std::move(key)), temporary_(std::move(temporary)), file_(std::move(file)) {}
  ~DirectoryUpload() override {
    file_.reset();
    // A leftover under tmp/ is invisible and goes at the next open; nothing to report here.
    if (!finished_) static_cast<void>(store_.fs().remove(temporary_).ok());
  }
  Result<void> append(std::string_view data) override {
    if (status_.ok()) status_ = file_->append(data);
    return status_;
  }
  Result<void> finish() override {
    TRY_ASSIGN(const bool fresh, finish_if_absent());
    if (!fresh) return Error::invalid(fmt::format("object {} exists already", key_));
    return {};
  }
  Result<bool> finish_if_absent() {
    CHECK(!finished_, "{}: finished twice", key_);
    TRY(status_);
    status_ = file_->sync();
    TRY(status_);
    finished_ = true;
    return store_.publish(temporary_, key_);
  }

 private:
  DirectoryStore& store_;
  const std::string key_;
  const std::string temporary_;
  std::unique_ptr<File> file_;
  Result<void> status_;  ///< the first failure: after it nothing may count
  bool finished_ = false;
};

Result<void> DirectoryStore::open() {
  std::string above = parent_directory(dir_);
  std::vector<std::string> to_sync{above};
  while (above != "." && above != "/") {
    TRY_ASSIGN(const bool there, fs_.exists(above));
    if (there) break;
    above = parent_directory(above);
    to_sync.push_back(above);
  }
  const std::string temporary = fmt::format("{}/{}", dir_, kTemporary);
  TRY(fs_.create_directories(temporary));
  for (const std::string& path : to_sync) TRY(fs_.sync_directory(path));
  TRY(sync_below(dir_));
  TRY_ASSIGN(const std::vector<std::string> leftovers, fs_.list(temporary));
  for (const std::string& name : leftovers) {
    if (!name.ends_with('/')) TRY(fs_.remove(temporary + "/" + name));
  }
  MutexLock lock(mu_);
  durable_directories_.insert(dir_);
  return {};
}

/// A put that failed at its last sync leaves an object that can be seen but may be gone after a power cut.  What is
/// seen from now on is there to stay: an object that others were built upon must not go.
Result<void> DirectoryStore::sync_below(const std::string& path) {
  TRY(fs_.sync_directory(path));
  TRY_ASSIGN(const std::vector<std::string> names, fs_.list(path));
  for (const std::string& name : names) {
    if (name.ends_with('/')) TRY(sync_below(path + "/" + name.substr(0, name.size() - 1)));
  }
  return {};
}

Result<void> DirectoryStore::ensure_directory(const std::string& path) {
  if (durable_directories_.contains(path)) return {};
  TRY(fs_.create_directories_durably(dir_, path));
  for (std::string at = path; durable_directories_.insert(at).second;) at = parent_directory(at);
  return {};
}

Result<bool> DirectoryStore::publish(const std::string& temporary, const std::string& key) {
  const std::string path = path_of(key);
  const std::string parent = parent_directory(path);
  bool fresh = false;
  Result<void> done = [&]() -> Result<void> {
    MutexLock lock(mu_);
    TRY(ensure_directory(parent));
    TRY_ASSIGN(const bool taken, fs_.exists(path));
    if (taken) return {};
    TRY(fs_.rename(temporary, path));
    fresh = true;
    return {};
  }();
  // The answer "it is there already" promises durability too: the put that made it may have failed at this sync.
  if (done.ok()) done = fs_.sync_directory(parent);
  if (!fresh) static_cast<void>(fs_.remove(temporary).ok());  // a leftover goes at the next open
  if (!done.ok()) return done.error().with_context(fmt::format("object {}", key));
  return fresh;
}

Result<std::unique_ptr<ObjectUpload>> DirectoryStore::upload(const std::string& key) {
  TRY(check_key(key));
  std::string temporary = new_temporary();
  TRY_ASSIGN(std::unique_ptr<File> file, fs_.open(temporary, OpenMode::create_new));
  return std::unique_ptr<ObjectUpload>(
      std::make_unique<DirectoryUpload>(*this, key, std::move(temporary), std::move(file)));
}

Result<bool> DirectoryStore::put_if_absent(const std::string& key, std::string_view data) {
  TRY(check_key(key));
  std::string temporary = new_temporary();
  TRY_ASSIGN(std::unique_ptr<File> file, fs_.open(temporary, OpenMode::create_new));
  DirectoryUpload target(*this, key, std::move(temporary), std::move(file));
  TRY(target.append(data));
  return target.finish_if_absent();
}

Result<std::string> DirectoryStore::get_range(const std::string& key, uint64_t offset, uint64_t size) {
  TRY(check_key(key));
  TRY_ASSIGN(const std::shared_ptr<const OpenObject> object, open_object(key));
  const uint64_t have = object->size;
  const auto too_short = [&] {
    return Error::corrupt(fmt::format("object {}: {} bytes at {} asked for, it has {}", key, size, offset, have));
  };
  if (offset > have || size > have - offset) return too_short();
  std::string out(size, '\0');
  TRY_ASSIGN(const size_t got, object->file->read_at(offset, out.data(), size));
  if (got != size) return too_short();
  return out;
}

void DirectoryStore::will_get(const std::string& key, ObjectRange range) {
  const auto object = open_object(key);
  if (object.ok()) (*object)->file->will_read(range.offset, range.size);
}

Result<std::shared_ptr<const DirectoryStore::OpenObject>> DirectoryStore::open_object(const std::string& key) {
  {
    const MutexLock lock(open_mu_);
    for (auto it = open_.begin(); it != open_.end(); ++it) {
      if ((*it)->key != key) continue;
      open_.splice(open_.begin(), open_, it);
      return open_.front();
    }
  }
  OpenObject object;
  object.key = key;
  TRY_ASSIGN(object.file, fs_.open(path_of(key), OpenMode::read));
  TRY_ASSIGN(object.size, object.file->size());
  auto opened = std::make_shared<const OpenObject>(std::move(object));
  const MutexLock lock(open_mu_);
  open_.push_front(opened);
  if (open_.size() > kMaxOpenObjects) open_.pop_back();
  return opened;
}

Result<ObjectInfo> DirectoryStore::head(const std::string& key) {
  TRY(check_key(key));
  TRY_ASSIGN(const std::unique_ptr<File> file, fs_.open(path_of(key), OpenMode::read));
  TRY_ASSIGN(const uint64_t size, file->size());
  return ObjectInfo{key, size};
}

/// `below` is a key prefix that ends with '/', or empty.  Names sort as keys do, because a directory's name ends
/// with '/' in a listing as it does in a key.
Result<void> DirectoryStore::walk(const std::string& below, Listing* listing) {
  Result<std::vector<std::string>> names = fs_.list(dir_ + "/" + below);
  if (!names.ok() && names.error().kind == ErrorKind::not_found) return {};
  if (!names.ok()) return names.error();
  for (const std::string& name : *names) {
    if (listing->found.size() >= listing->limit) return {};
    const std::string key = below + name;
    const bool directory = key.ends_with('/');
    if (key == "tmp/") continue;
    const bool matches = key.starts_with(listing->prefix) || (directory && listing->prefix.starts_with(key));
    const bool past = key > listing->after || (directory && listing->after.starts_with(key));
    if (!matches || !past) continue;
    if (directory) {
      TRY(walk(key, listing));
      continue;
    }
    Result<ObjectInfo> info = head(key);
    if (!info.ok() && info.error().kind == ErrorKind::not_found) continue;  // removed meanwhile
    if (!info.ok()) return info.error();
    listing->found.push_back(std::move(*info));
  }
  return {};
}

Result<std::vector<ObjectInfo>> DirectoryStore::list(const std::string& prefix, const std::string& after,
                                                     size_t limit) {
  Listing listing{prefix, after, limit, {}};
  const size_t slash = prefix.rfind('/');
  const std::string below = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
  if (!below.empty()) TRY(check_key(below.substr(0, slash)));
  TRY(walk(below, &listing));
  return std::move(listing.found);
}

Result<void> DirectoryStore::remove(const std::string& key) {
  TRY(check_key(key));
  {
    const MutexLock lock(open_mu_);
    open_.remove_if([&key](const std::shared_ptr<const OpenObject>& object) { return object->key == key; });
  }
  const std::string path = path_of(key);
  const Result<void> removed = fs_.remove(path);
  if (!removed.ok() && removed.error().kind != ErrorKind::not_found) return removed;
  const Result<void> synced = fs_.sync_directory(parent_directory(path));
  if (!synced.ok() && synced.error().kind != ErrorKind::not_found) return synced;
  return {};
}

}  // namespace

std::unique_ptr<ObjectStore> view_directory_store(FileSystem& fs, const std::string& dir) {
  return std::make_unique<DirectoryStore>(fs, dir);
}

Result<std::unique_ptr<ObjectStore>> open_directory_store(FileSystem& fs, const std::string& dir) {
  std::string root = dir;
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  auto store = std::make_unique<DirectoryStore>(fs, std::move(root));
  TRY(store->open());
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace cordwood
