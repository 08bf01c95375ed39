// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/base/task_runner.h"

namespace cordwood {

struct RangeCacheOptions {
  std::string dir;                    ///< nothing else lies in it; each process has a directory of its own there
  uint64_t max_bytes = 10ull << 30;   ///< of its files, in whole pages of the disk
  uint64_t piece_bytes = 256u << 10;  ///< longer ranges are kept in pieces, each read and checked as a whole
  /// What earlier processes left goes on a thread of the cache, as a disk may take a millisecond for each file; else
  /// open() waits for that.
  bool sweep_later = false;
  static constexpr size_t kMaxRanges = 1u << 18;
};

/// Ranges of immutable objects in files of the local disk, the least recently used ones leave first.  Each file ends
/// with a checksum over its bytes and its place, so what a crash left behind, or anybody else, is never taken for an
/// answer.  It may be lost at any time, and begins empty.  Failures of the disk count as misses.  Thread-safe.
class RangeCache {
 public:
  ~RangeCache();
  static Result<std::unique_ptr<RangeCache>> open(FileSystem& fs, RangeCacheOptions options, Metrics& metrics);

  /// The bytes, when all of them are here.  `pin`: they stay until drop(), as long as what is pinned takes no more than
  /// half of the cache.
  std::optional<std::string> get(const std::string& key, uint64_t offset, uint64_t size, bool pin);
  void put(const std::string& key, uint64_t offset, std::string_view bytes, bool pin);
  /// What is here of the range leaves after all others, the oldest kept one first, as long as what is kept takes no
  /// more than a quarter of the cache.
  void keep(const std::string& key, uint64_t offset, uint64_t size);
  /// The object is gone.
  void drop(const std::string& key);
  uint64_t bytes() const EXCLUDES(mu_);
  uint64_t pinned_bytes() const EXCLUDES(mu_);
  uint64_t kept_bytes() const EXCLUDES(mu_);

 private:
  using Place = std::pair<uint64_t, uint64_t>;  ///< hash of the key, offset
  enum class Hold : uint8_t { used, kept, pinned };
  struct Range {
    uint64_t size = 0;
    Hold hold = Hold::used;
    std::list<Place>::iterator at;  ///< in used_ or kept_, unless pinned
  };
  using Ranges = std::map<uint64_t, Range>;  ///< by offset
  /// What to read of one file.
  struct Piece {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t from = 0;
    uint64_t bytes = 0;
  };

  RangeCache(FileSystem& fs, RangeCacheOptions options, Metrics& metrics);
  Result<void> begin();
  void sweep(const std::string& name);
  std::string path_of(uint64_t key, uint64_t offset, uint64_t size) const;
  std::vector<Piece> find(uint64_t key, uint64_t offset, uint64_t size, bool pin) EXCLUDES(mu_);
  std::optional<std::string> read(uint64_t key, const Piece& piece);
  void put_piece(uint64_t key, uint64_t offset, std::string_view bytes, bool pin);
  void insert(uint64_t key, uint64_t offset, uint64_t size, bool pin, std::vector<std::string>* gone) REQUIRES(mu_);
  void erase(uint64_t key, Ranges& ranges, Ranges::iterator at, std::vector<std::string>* gone) REQUIRES(mu_);
  void make_room(std::vector<std::string>* gone) REQUIRES(mu_);
  bool may_pin(uint64_t size) const REQUIRES(mu_);
  void pin(Range& range) REQUIRES(mu_);
  /// Takes it out of the lists and sums.
  void forget(const Range& range) REQUIRES(mu_);
  void remove_files(const std::vector<std::string>& paths);

  /// What /metrics reads, which may live longer than the cache.
  struct Sizes {
    std::atomic<uint64_t> bytes{0};
    std::atomic<uint64_t> pinned{0};
    std::atomic<uint64_t> kept{0};
  };

  FileSystem& fs_;
  const RangeCacheOptions options_;
  std::string dir_;  ///< of this process
  const std::shared_ptr<Sizes> sizes_ = std::make_shared<Sizes>();
  Counter& evicted_;
  Counter& damaged_;

  mutable Mutex mu_;
  std::unordered_map<uint64_t, Ranges> objects_ GUARDED_BY(mu_);
  std::list<Place> used_ GUARDED_BY(mu_);  ///< the last one used first
  std::list<Place> kept_ GUARDED_BY(mu_);  ///< the youngest first
  std::set<Place> being_written_ GUARDED_BY(mu_);
  size_t ranges_ GUARDED_BY(mu_) = 0;

  std::atomic<bool> ending_{false};
  std::unique_ptr<TaskRunner> sweeper_;  ///< null unless there was something to sweep
};

}  // namespace cordwood
