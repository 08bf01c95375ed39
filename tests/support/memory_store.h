// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "storage/base/object_store.h"

namespace cordwood::samples {

/// Objects in a map.  One thread.
class MemoryStore : public ObjectStore {
 public:
  std::map<std::string, std::string> objects;

  Result<bool> put_if_absent(const std::string& key, std::string_view data) override {
    return objects.emplace(key, data).second;
  }
  Result<std::unique_ptr<ObjectUpload>> upload(const std::string& key) override {
    return std::unique_ptr<ObjectUpload>(std::make_unique<Upload>(this, key));
  }
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override {
    const auto found = objects.find(key);
    if (found == objects.end()) return Error::not_found(key);
    if (offset > found->second.size() || size > found->second.size() - offset)
      return Error::corrupt(key + ": too short");
    return found->second.substr(offset, size);
  }
  Result<ObjectInfo> head(const std::string& key) override {
    const auto found = objects.find(key);
    if (found == objects.end()) return Error::not_found(key);
    return ObjectInfo{key, found->second.size()};
  }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const std::string& after, size_t limit) override {
    std::vector<ObjectInfo> out;
    for (auto it = objects.lower_bound(std::max(prefix, after)); it != objects.end() && out.size() < limit; ++it) {
      if (!it->first.starts_with(prefix)) break;
      if (it->first > after) out.push_back({it->first, it->second.size()});
    }
    return out;
  }
  Result<void> remove(const std::string& key) override {
    objects.erase(key);
    return {};
  }

 private:
  class Upload final : public ObjectUpload {
   public:
    Upload(MemoryStore* store, std::string key) : store_(store), key_(std::move(key)) {}
    Result<void> append(std::string_view data) override {
      bytes_.append(data);
      return {};
    }
    Result<void> finish() override {
      store_->objects[key_] = std::move(bytes_);
      return {};
    }

   private:
    MemoryStore* store_;
    std::string key_;
    std::string bytes_;
  };
};

}  // namespace cordwood::samples
