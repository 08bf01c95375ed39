// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

struct ObjectInfo {
  std::string key;
  uint64_t size_bytes = 0;
};

/// [offset, offset + size) of an object.
struct ObjectRange {
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// Bytes of an object and where they begin in it.
struct ObjectBytes {
  uint64_t offset = 0;
  std::string bytes;
  bool holds(ObjectRange wanted) const {
    return wanted.offset >= offset && wanted.offset - offset <= bytes.size() &&
           wanted.size <= bytes.size() - (wanted.offset - offset);
  }
};

/// Keys asked for at once where all that there are are listed; S3 gives no more.
inline constexpr size_t kListPage = 1000;

/// Receives one object piece by piece.  Nothing is visible before finish() succeeds; dropping an unfinished
/// upload leaves nothing that list() shows.
class ObjectUpload {
 public:
  virtual ~ObjectUpload() = default;
  virtual Result<void> append(std::string_view data) = 0;
  /// Durable and visible on success.
  virtual Result<void> finish() = 0;
};

class ObjectTiers;

/// Immutable objects by key ('/' separates; bytes [A-Za-z0-9-_.%/]).  Thread-safe.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// Durable on success.  False when the key already exists (its content is left alone).
  virtual Result<bool> put_if_absent(const std::string& key, std::string_view data) = 0;
  /// The same for somebody who waits: where answers can take long, unavailable after about `timeout_ns`.
  virtual Result<bool> put_within(const std::string& key, std::string_view data, int64_t /*timeout_ns*/) {
    return put_if_absent(key, data);
  }
  /// For large objects under keys that are unique per attempt.
  virtual Result<std::unique_ptr<ObjectUpload>> upload(const std::string& key) = 0;
  /// Exactly [offset, offset + size); corrupt when the object is shorter, not_found when it is missing.
  virtual Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) = 0;
  /// The same for what is wanted at each start: a cache keeps it for as long as there is the object.
  virtual Result<std::string> get_tail(const std::string& key, uint64_t offset, uint64_t size) {
    return get_range(key, offset, size);
  }
  /// File::will_read(); far stores do nothing.
  virtual void will_get(const std::string& /*key*/, ObjectRange /*range*/) {}
  /// `wanted` and, where each request takes long, with it what lies in `around`, which holds it: that is likely to be
  /// wanted next.
  virtual Result<ObjectBytes> get_near(const std::string& key, ObjectRange wanted, ObjectRange /*around*/) {
    TRY_ASSIGN(std::string bytes, get_range(key, wanted.offset, wanted.size));
    return ObjectBytes{wanted.offset, std::move(bytes)};
  }
  /// The range of an object that was uploaded through here is going to be asked for again and again: a cache that has
  /// it lets others go first.
  virtual void keep(const std::string& /*key*/, uint64_t /*offset*/, uint64_t /*size*/) {}
  virtual Result<ObjectInfo> head(const std::string& key) = 0;
  /// Keys that start with `prefix` and are greater than `after`, ascending, at most `limit`.
  virtual Result<std::vector<ObjectInfo>> list(const std::string& prefix, const std::string& after, size_t limit) = 0;
  /// All of them, with as many requests as that takes.
  Result<std::vector<ObjectInfo>> list_all(const std::string& prefix, const std::string& after = "");
  /// Success when the key is gone, whether it was there or not.
  virtual Result<void> remove(const std::string& key) = 0;
  /// Success when all of them are gone; after a failure some may be.  Many with one request where the store can, else
  /// one by one, `parallel` at the same time.
  virtual Result<void> remove_all(const std::vector<std::string>& keys, size_t parallel);
  /// Removes those that start with `prefix` and are to go, page by page as list() shows them, like remove_all().  How
  /// many there were; after a failure some may be gone.
  Result<uint64_t> remove_where(const std::string& prefix, size_t parallel,
                                const std::function<bool(const std::string& key)>& goes);
  /// Gives up what was begun by upload() under keys that start with `prefix` before then (Unix time, by the store's own
  /// clock) and is neither finished nor dropped: processes that were killed leave that behind, and pay for it.  How
  /// many there were.  One that still goes on fails at its next step.
  virtual Result<uint64_t> abort_uploads(const std::string& /*prefix*/, int64_t /*begun_before_ns*/) { return 0; }
  /// Whether each request takes long, so that several are better sent at once.
  virtual bool is_far() const { return false; }
  /// False when put_if_absent() holds only as long as nobody else writes.
  virtual bool guards_puts() const { return true; }
  /// For the end of the process: from then on (monotonic) operations answer unavailable, those under way about a second
  /// later at most.  Nothing for a store that never waits long.
  virtual void give_up_at(int64_t /*monotonic_ns*/) {}
  /// Storage classes; null where all objects are of one, which can be read at once (a directory).
  virtual ObjectTiers* tiers() { return nullptr; }
};

}  // namespace cordwood
