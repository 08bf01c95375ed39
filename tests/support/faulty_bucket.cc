// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_bucket.h"

namespace cordwood {

FaultyBucket::Fate FaultyBucket::next_request() {
  ++requests_;
  Fate fate = Fate::done;
  if (requests_ > end_at_) {
    fate = Fate::refused;
  } else if (requests_ == end_at_ || chance(rate_)) {
    fate = chance(0.5) ? Fate::refused : Fate::done_unheard;
  }
  faults_ += fate != Fate::done ? 1 : 0;
  return fate;
}

class FaultyBucket::Upload final : public ObjectUpload {
 public:
  Upload(FaultyBucket& bucket, std::string key) : bucket_(bucket), key_(std::move(key)) {}
  Result<void> append(std::string_view data) override {
    bytes_.append(data);
    if (bytes_.size() < sent_bytes_ + 4096) return {};
    sent_bytes_ = bytes_.size();
    return bucket_.next_request() == Fate::done ? Result<void>() : Result<void>(away());
  }
  Result<void> finish() override {
    const Fate fate = bucket_.next_request();
    if (fate == Fate::refused) return away();
    if (bucket_.objects_.contains(key_)) return Error::invalid(key_ + " exists already");
    bucket_.objects_[key_] = std::move(bytes_);
    bucket_.newest_ = key_;
    return fate == Fate::done ? Result<void>() : Result<void>(away());
  }

 private:
  FaultyBucket& bucket_;
  const std::string key_;
  std::string bytes_;
  size_t sent_bytes_ = 0;
};

class FaultyBucket::Store final : public ObjectStore {
 public:
  explicit Store(FaultyBucket& bucket) : b_(bucket) {}
  Result<bool> put_if_absent(const std::string& key, std::string_view data) override {
    const Fate fate = b_.next_request();
    if (fate == Fate::refused) return away();
    const bool fresh = b_.objects_.emplace(key, data).second;
    if (fresh) b_.newest_ = key;
    if (fate == Fate::done_unheard) return away();
    return fresh;
  }
  Result<std::unique_ptr<ObjectUpload>> upload(const std::string& key) override {
    return std::unique_ptr<ObjectUpload>(std::make_unique<Upload>(b_, key));
  }
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override {
    if (b_.next_request() != Fate::done) return away();
    const auto found = b_.objects_.find(key);
    if (found == b_.objects_.end()) return Error::not_found(key);
    if (offset > found->second.size() || size > found->second.size() - offset) return Error::corrupt(key);
    return found->second.substr(offset, size);
  }
  Result<ObjectInfo> head(const std::string& key) override {
    if (b_.next_request() != Fate::done) return away();
    const auto found = b_.objects_.find(key);
    if (found == b_.objects_.end()) return Error::not_found(key);
    return ObjectInfo{key, found->second.size()};
  }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const std::string& after, size_t limit) override {
    const Fate fate = b_.next_request();
    if (fate == Fate::refused) return away();
    const bool old = fate == Fate::done_unheard;
    std::vector<ObjectInfo> out;
    auto it = b_.objects_.lower_bound(std::max(prefix, after));
    for (; it != b_.objects_.end() && out.size() < limit; ++it) {
      if (!it->first.starts_with(prefix)) break;
      if (it->first > after && !(old && it->first == b_.newest_)) out.push_back({it->first, it->second.size()});
    }
    return out;
  }
  Result<void> remove(const std::string& key) override {
    const Fate fate = b_.next_request();
    if (fate == Fate::refused) return away();
    b_.objects_.erase(key);
    return fate == Fate::done ? Result<void>() : Result<void>(away());
  }

 private:
  FaultyBucket& b_;
};

std::unique_ptr<ObjectStore> FaultyBucket::open() {
  return std::make_unique<Store>(*this);
}

}  // namespace cordwood
