// SPDX-License-Identifier: Apache-2.0
#include "storage/cached_store.h"

namespace cordwood {

namespace {

constexpr size_t kTeeBytes = 256u << 10;

/// Keeps what goes up.
class CachedUpload final : public ObjectUpload {
 public:
  CachedUpload(std::unique_ptr<ObjectUpload> below, RangeCache& cache, std::string key)
      : below_(std::move(below)), cache_(cache), key_(std::move(key)) {}
  ~CachedUpload() override {
    if (!finished_) cache_.drop(key_);
  }
  Result<void> append(std::string_view data) override {
    TRY(below_->append(data));
    while (!data.empty()) {
      const size_t taken = std::min(data.size(), kTeeBytes - buffer_.size());
      buffer_.append(data.substr(0, taken));
      data.remove_prefix(taken);
      if (buffer_.size() == kTeeBytes) keep();
    }
    return {};
  }
  Result<void> finish() override {
    TRY(below_->finish());
    keep();
    finished_ = true;
    return {};
  }

 private:
  void keep() {
    cache_.put(key_, kept_bytes_, buffer_, false);
    kept_bytes_ += buffer_.size();
    buffer_.clear();
  }

  std::unique_ptr<ObjectUpload> below_;
  RangeCache& cache_;
  const std::string key_;
  std::string buffer_;
  uint64_t kept_bytes_ = 0;
  bool finished_ = false;
};

class CachedStore final : public ObjectStore {
 public:
  CachedStore(std::unique_ptr<ObjectStore> below, std::unique_ptr<RangeCache> cache, std::string prefix, Metrics& m)
      : below_(std::move(below)),
        cache_(std::move(cache)),
        prefix_(std::move(prefix)),
        hits_(m.counter("cordwood_cache_hits_total", "Reads of segments answered from the local disk.")),
        misses_(m.counter("cordwood_cache_misses_total", "Reads of segments that went to the bucket.")),
        hit_bytes_(m.counter("cordwood_cache_hit_bytes_total", "Bytes read from the local disk.")),
        missed_bytes_(m.counter("cordwood_cache_missed_bytes_total", "Bytes of segments read from the bucket.")) {}

  Result<bool> put_if_absent(const std::string& key, std::string_view data) override {
    return below_->put_if_absent(key, data);
  }
  Result<bool> put_within(const std::string& key, std::string_view data, int64_t timeout_ns) override {
    return below_->put_within(key, data, timeout_ns);
  }
  Result<std::unique_ptr<ObjectUpload>> upload(const std::string& key) override {
    TRY_ASSIGN(std::unique_ptr<ObjectUpload> upload, below_->upload(key));
    if (!is_cached(key)) return upload;
    cache_->drop(key);  // of an attempt that failed
    return std::unique_ptr<ObjectUpload>(std::make_unique<CachedUpload>(std::move(upload), *cache_, key));
  }
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override {
    return get(key, offset, size, false);
  }
  Result<std::string> get_tail(const std::string& key, uint64_t offset, uint64_t size) override {
    return get(key, offset, size, true);
  }
  Result<ObjectBytes> get_near(const std::string& key, ObjectRange wanted, ObjectRange around) override;
  void keep(const std::string& key, uint64_t offset, uint64_t size) override { cache_->keep(key, offset, size); }
  Result<ObjectInfo> head(const std::string& key) override { return below_->head(key); }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const std::string& after, size_t limit) override {
    return below_->list(prefix, after, limit);
  }
  Result<void> remove(const std::string& key) override {
    if (is_cached(key)) cache_->drop(key);
    return below_->remove(key);
  }
  Result<void> remove_all(const std::vector<std::string>& keys, size_t parallel) override {
    for (const std::string& key : keys) {
      if (is_cached(key)) cache_->drop(key);
    }
    return below_->remove_all(keys, parallel);
  }
  Result<uint64_t> abort_uploads(const std::string& prefix, int64_t begun_before_ns) override {
    return below_->abort_uploads(prefix, begun_before_ns);
  }
  ObjectTiers* tiers() override { return below_->tiers(); }
  bool is_far() const override { return below_->is_far(); }
  bool guards_puts() const override { return below_->guards_puts(); }
  void give_up_at(int64_t monotonic_ns) override { below_->give_up_at(monotonic_ns); }

 private:
  bool is_cached(const std::string& key) const { return key.starts_with(prefix_); }
  Result<std::string> get(const std::string& key, uint64_t offset, uint64_t size, bool tail) {
    if (!is_cached(key) || size == 0 || offset > UINT64_MAX - size) return below_->get_range(key, offset, size);
    if (auto kept = find(key, {offset, size}, tail)) return std::move(*kept);
    TRY_ASSIGN(std::string bytes, below_->get_range(key, offset, size));
    take(key, offset, bytes, tail);
    return bytes;
  }
  std::optional<std::string> find(const std::string& key, ObjectRange range, bool tail) {
    auto kept = cache_->get(key, range.offset, range.size, tail);
    kept ? hits_.add() : misses_.add();
    if (kept) hit_bytes_.add(range.size);
    return kept;
  }
  void take(const std::string& key, uint64_t offset, std::string_view bytes, bool tail) {
    missed_bytes_.add(bytes.size());
    cache_->put(key, offset, bytes, tail);
  }

  const std::unique_ptr<ObjectStore> below_;
  const std::unique_ptr<RangeCache> cache_;
  const std::string prefix_;
  Counter& hits_;
  Counter& misses_;
  Counter& hit_bytes_;
  Counter& missed_bytes_;
};

Result<ObjectBytes> CachedStore::get_near(const std::string& key, ObjectRange wanted, ObjectRange around) {
  const uint64_t end = wanted.offset + wanted.size;
  if (!is_cached(key) || wanted.size == 0 || end < wanted.offset) return below_->get_near(key, wanted, around);
  if (auto kept = find(key, wanted, false)) return ObjectBytes{wanted.offset, std::move(*kept)};
  TRY_ASSIGN(ObjectBytes got, below_->get_near(key, wanted, around));
  take(key, got.offset, got.bytes, false);
  return got;
}

}  // namespace

std::unique_ptr<ObjectStore> make_cached_store(std::unique_ptr<ObjectStore> below, std::unique_ptr<RangeCache> cache,
                                               std::string prefix, Metrics& metrics) {
  return std::make_unique<CachedStore>(std::move(below), std::move(cache), std::move(prefix), metrics);
}

}  // namespace cordwood
