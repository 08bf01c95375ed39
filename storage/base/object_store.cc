// SPDX-License-Identifier: Apache-2.0
#include "storage/base/object_store.h"

#include <algorithm>
#include <iterator>

#include "storage/base/parallel.h"

namespace cordwood {

Result<std::vector<ObjectInfo>> ObjectStore::list_all(const std::string& prefix, const std::string& after) {
  std::vector<ObjectInfo> all;
  for (std::string last = after;;) {
    TRY_ASSIGN(std::vector<ObjectInfo> page, list(prefix, last, kListPage));
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (page.size() < kListPage) return all;
    last = all.back().key;
  }
}

Result<void> ObjectStore::remove_all(const std::vector<std::string>& keys, size_t parallel) {
  return run_parallel(keys.size(), parallel, [&](size_t i) { return remove(keys[i]); });
}

Result<uint64_t> ObjectStore::remove_where(const std::string& prefix, size_t parallel,
                                           const std::function<bool(const std::string& key)>& goes) {
  uint64_t removed = 0;
  for (std::string last;;) {
    TRY_ASSIGN(const std::vector<ObjectInfo> page, list(prefix, last, kListPage));
    std::vector<std::string> gone;
    for (const ObjectInfo& object : page) {
      if (goes(object.key)) gone.push_back(object.key);
    }
    TRY(remove_all(gone, parallel));
    removed += gone.size();
    if (page.size() < kListPage) return removed;
    last = page.back().key;
  }
}

}  // namespace cordwood
