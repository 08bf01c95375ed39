// SPDX-License-Identifier: Apache-2.0
#include "storage/range_cache.h"

#include <algorithm>
#include <cstdlib>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood {

namespace {

constexpr uint64_t kPageBytes = 4096;  ///< what a file takes at least
constexpr uint64_t kTrailerBytes = 8;
constexpr int kSweepNiceness = 15;
constexpr int kLookBack = 8;  ///< ranges before a place that are tried: those that overlap are few

uint64_t disk_bytes(uint64_t size) {
  return (size + kTrailerBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

uint64_t checksum_of(std::string_view bytes, uint64_t key, uint64_t offset) {
  return xxh3_64(bytes, key ^ (offset * 0x9e3779b97f4a7c15ull));
}

}  // namespace

RangeCache::RangeCache(FileSystem& fs, RangeCacheOptions options, Metrics& metrics)
    : fs_(fs),
      options_(std::move(options)),
      evicted_(metrics.counter("cordwood_cache_evicted_total", "Ranges that left the cache for others.")),
      damaged_(metrics.counter("cordwood_cache_damaged_total", "Ranges of the cache that were not what was written.")) {
  metrics.gauge("cordwood_cache_bytes", "Local disk taken by ranges of the bucket.", {},
                [sizes = sizes_] { return static_cast<double>(sizes->bytes); });
  metrics.gauge("cordwood_cache_pinned_bytes", "Of these, tails of segments, which stay.", {},
                [sizes = sizes_] { return static_cast<double>(sizes->pinned); });
  metrics.gauge("cordwood_cache_kept_bytes", "Of these, id tables of days that go on, which leave last.", {},
                [sizes = sizes_] { return static_cast<double>(sizes->kept); });
}

Result<std::unique_ptr<RangeCache>> RangeCache::open(FileSystem& fs, RangeCacheOptions options, Metrics& metrics) {
  std::unique_ptr<RangeCache> cache(new RangeCache(fs, std::move(options), metrics));
  TRY(cache->begin());
  return cache;
}

RangeCache::~RangeCache() {
  ending_ = true;
  sweeper_.reset();
}

/// What an earlier process left is not used: the key of an upload that failed, or of an orphan that was removed, may
/// have become another object since.
Result<void> RangeCache::begin() {
  TRY(fs_.create_directories(options_.dir));
  TRY_ASSIGN(const std::vector<std::string> names, fs_.list(options_.dir));
  uint64_t last = 0;
  for (const std::string& name : names) {
    if (name.ends_with('/')) last = std::max<uint64_t>(last, std::strtoull(name.c_str(), nullptr, 10));
  }
  dir_ = fmt::format("{}/{}", options_.dir, last + 1);
  TRY(fs_.create_directories(dir_));
  if (names.empty()) return {};
  const auto sweep_all = [this, names] {
    for (const std::string& name : names) sweep(name);
  };
  if (!options_.sweep_later) {
    sweep_all();
    return {};
  }
  sweeper_ = make_thread_pool(1, "sweep", kSweepNiceness);
  sweeper_->post(sweep_all);
  return {};
}

/// A file, or a directory with its files; what stays goes with the next start.
void RangeCache::sweep(const std::string& name) {
  std::string path = options_.dir + "/" + name;
  if (!name.ends_with('/')) {
    if (!ending_) remove_files({path});
    return;
  }
  path.pop_back();
  const Result<std::vector<std::string>> files = fs_.list(path);
  if (!files.ok()) return;
  for (const std::string& file : *files) {
    if (ending_) return;
    remove_files({path + "/" + file});
  }
  static_cast<void>(fs_.remove_directory(path).ok());
}

std::string RangeCache::path_of(uint64_t key, uint64_t offset, uint64_t size) const {
  return fmt::format("{}/{:016x}-{}-{}", dir_, key, offset, size);
}

std::optional<std::string> RangeCache::get(const std::string& key, uint64_t offset, uint64_t size, bool pin) {
  const uint64_t hash = xxh3_64(key);
  const std::vector<Piece> pieces = find(hash, offset, size, pin);
  if (pieces.empty()) return std::nullopt;
  std::string out;
  out.reserve(size);
  for (const Piece& piece : pieces) {
    const auto bytes = read(hash, piece);
    if (!bytes) return std::nullopt;
    out.append(*bytes, piece.from, piece.bytes);
  }
  return out;
}

/// The ranges that together hold the bytes; none when there is a gap.
std::vector<RangeCache::Piece> RangeCache::find(uint64_t key, uint64_t offset, uint64_t size, bool pin) {
  std::vector<Piece> pieces;
  const MutexLock lock(mu_);
  const auto object = objects_.find(key);
  if (object == objects_.end() || size == 0) return {};
  Ranges& ranges = object->second;
  for (uint64_t at = offset; at < offset + size;) {
    auto range = ranges.upper_bound(at);
    bool found = false;
    for (int back = 0; back < kLookBack && range != ranges.begin() && !found; ++back) {
      --range;
      found = range->first + range->second.size > at;
    }
    if (!found) return {};
    const uint64_t from = at - range->first;
    const uint64_t bytes = std::min(range->second.size - from, offset + size - at);
    pieces.push_back({range->first, range->second.size, from, bytes});
    Range& kept = range->second;
    if (kept.hold == Hold::used) used_.splice(used_.begin(), used_, kept.at);
    if (pin && kept.hold != Hold::pinned && may_pin(kept.size)) this->pin(kept);
    at += bytes;
  }
  return pieces;
}

std::optional<std::string> RangeCache::read(uint64_t key, const Piece& piece) {
  const std::string path = path_of(key, piece.offset, piece.size);
  Result<std::string> bytes = fs_.read_all(path, piece.size + kTrailerBytes);
  if (bytes.ok() && bytes->size() == piece.size + kTrailerBytes) {
    ByteReader trailer(std::string_view(*bytes).substr(piece.size));
    const uint64_t stored = trailer.u64();
    bytes->resize(piece.size);
    if (!checksum_differs(stored, checksum_of(*bytes, key, piece.offset))) return std::move(bytes).value();
  }
  const bool away = !bytes.ok() && bytes.error().kind == ErrorKind::not_found;
  if (!away) damaged_.add();
  std::vector<std::string> gone;
  {
    const MutexLock lock(mu_);
    const auto object = objects_.find(key);
    if (object == objects_.end()) return std::nullopt;
    const auto range = object->second.find(piece.offset);
    if (range == object->second.end() || range->second.size != piece.size) return std::nullopt;
    erase(key, object->second, range, &gone);
  }
  remove_files(gone);
  return std::nullopt;
}

void RangeCache::put(const std::string& key, uint64_t offset, std::string_view bytes, bool pin) {
  const uint64_t hash = xxh3_64(key);
  for (size_t at = 0; at < bytes.size(); at += options_.piece_bytes) {
    put_piece(hash, offset + at, bytes.substr(at, options_.piece_bytes), pin);
  }
}

void RangeCache::put_piece(uint64_t key, uint64_t offset, std::string_view bytes, bool pin) {
  if (disk_bytes(bytes.size()) > options_.max_bytes) return;
  {
    const MutexLock lock(mu_);
    const auto object = objects_.find(key);
    if (object != objects_.end()) {
      const auto range = object->second.find(offset);
      if (range != object->second.end() && range->second.size >= bytes.size()) return;
    }
    if (!being_written_.insert({key, offset}).second) return;
  }
  std::string content(bytes);
  ByteWriter trailer(&content);
  trailer.u64(checksum_of(bytes, key, offset));
  const std::string path = path_of(key, offset, bytes.size());
  const Result<void> written = [&]() -> Result<void> {
    TRY_ASSIGN(const std::unique_ptr<File> file, fs_.open(path, OpenMode::open_or_create));
    TRY(file->truncate(0));
    return file->append(content);
  }();
  std::vector<std::string> gone;
  {
    const MutexLock lock(mu_);
    being_written_.erase({key, offset});
    if (written.ok()) {
      insert(key, offset, bytes.size(), pin, &gone);
      make_room(&gone);
    } else {
      gone.push_back(path);
    }
  }
  remove_files(gone);
}

bool RangeCache::may_pin(uint64_t size) const {
  return sizes_->pinned + disk_bytes(size) <= options_.max_bytes / 2;
}

void RangeCache::pin(Range& range) {
  forget(range);
  range.hold = Hold::pinned;
  sizes_->bytes += disk_bytes(range.size);
  sizes_->pinned += disk_bytes(range.size);
}

void RangeCache::forget(const Range& range) {
  const uint64_t bytes = disk_bytes(range.size);
  sizes_->bytes -= bytes;
  if (range.hold == Hold::used) used_.erase(range.at);
  if (range.hold == Hold::kept) kept_.erase(range.at);
  if (range.hold == Hold::kept) sizes_->kept -= bytes;
  if (range.hold == Hold::pinned) sizes_->pinned -= bytes;
}

void RangeCache::keep(const std::string& key, uint64_t offset, uint64_t size) {
  const uint64_t most = options_.max_bytes / 4;
  const MutexLock lock(mu_);
  const auto object = objects_.find(xxh3_64(key));
  if (object == objects_.end()) return;
  for (auto& [begin, range] : object->second) {
    if (range.hold != Hold::used || begin >= offset + size || begin + range.size <= offset) continue;
    kept_.splice(kept_.begin(), used_, range.at);
    range.hold = Hold::kept;
    sizes_->kept += disk_bytes(range.size);
  }
  while (sizes_->kept > most) {
    const Place oldest = kept_.back();
    Range& range = objects_[oldest.first].at(oldest.second);
    used_.splice(used_.begin(), kept_, range.at);
    range.hold = Hold::used;
    sizes_->kept -= disk_bytes(range.size);
  }
}

void RangeCache::insert(uint64_t key, uint64_t offset, uint64_t size, bool pin, std::vector<std::string>* gone) {
  Ranges& ranges = objects_[key];
  if (const auto old = ranges.find(offset); old != ranges.end()) {
    if (old->second.size == size) return;
    ranges_ -= 1;
    forget(old->second);
    gone->push_back(path_of(key, offset, old->second.size));
    ranges.erase(old);
  }
  Range range;
  range.size = size;
  range.at = used_.insert(used_.begin(), {key, offset});
  sizes_->bytes += disk_bytes(size);
  if (pin && may_pin(size)) this->pin(range);
  ranges.emplace(offset, range);
  ++ranges_;
}

void RangeCache::erase(uint64_t key, Ranges& ranges, Ranges::iterator at, std::vector<std::string>* gone) {
  forget(at->second);
  gone->push_back(path_of(key, at->first, at->second.size));
  --ranges_;
  ranges.erase(at);
  if (ranges.empty()) objects_.erase(key);
}

void RangeCache::make_room(std::vector<std::string>* gone) {
  while (sizes_->bytes > options_.max_bytes || ranges_ > RangeCacheOptions::kMaxRanges) {
    if (used_.empty() && kept_.empty()) return;
    const Place last = used_.empty() ? kept_.back() : used_.back();
    Ranges& ranges = objects_[last.first];
    erase(last.first, ranges, ranges.find(last.second), gone);
    evicted_.add();
  }
}

void RangeCache::drop(const std::string& key) {
  std::vector<std::string> gone;
  {
    const MutexLock lock(mu_);
    const uint64_t hash = xxh3_64(key);
    for (auto object = objects_.find(hash); object != objects_.end(); object = objects_.find(hash)) {
      erase(hash, object->second, object->second.begin(), &gone);
    }
  }
  remove_files(gone);
}

/// One that stays is removed by the next start.
void RangeCache::remove_files(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) static_cast<void>(fs_.remove(path).ok());
}

uint64_t RangeCache::bytes() const {
  return sizes_->bytes;
}

uint64_t RangeCache::pinned_bytes() const {
  return sizes_->pinned;
}

uint64_t RangeCache::kept_bytes() const {
  return sizes_->kept;
}

}  // namespace cordwood
