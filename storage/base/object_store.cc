// SPDX-License-Identifier: Apache-2.0
#include "storage/base/object_store.h"

#include "storage/base/parallel.h"

namespace cordwood {

Result<void> ObjectStore::remove_all(const std::vector<std::string>& keys, size_t parallel) {
  return run_parallel(keys.size(), parallel, [&](size_t i) { return remove(keys[i]); });
}

}  // namespace cordwood
