// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/memory_store.h"

namespace cordwood::samples {

/// Counts what is read.
class CountingStore : public MemoryStore {
 public:
  explicit CountingStore(uint64_t* reads) : reads_(reads) {}
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override {
    ++*reads_;
    return MemoryStore::get_range(key, offset, size);
  }

 private:
  uint64_t* const reads_;
};

}  // namespace cordwood::samples
