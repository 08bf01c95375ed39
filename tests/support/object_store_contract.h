// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/object_store.h"

namespace cordwood {

/// Makes an empty store; what it needs lives in the returned pointer's owner (use an aliasing shared_ptr).
using ObjectStoreFactory = std::function<std::shared_ptr<ObjectStore>()>;

/// What every ObjectStore must do (tests/storage/object_store_contract_test.cc).  The test file of an implementation
/// instantiates it:
/// `INSTANTIATE_TEST_SUITE_P(Directory, ObjectStoreContract, testing::Values(&make_directory_store));`
class ObjectStoreContract : public testing::TestWithParam<ObjectStoreFactory> {
 protected:
  void SetUp() override { store_ = GetParam()(); }
  void put(const std::string& key, std::string_view data) {
    const Result<bool> fresh = store_->put_if_absent(key, data);
    ASSERT_TRUE(fresh.ok()) << fresh.error().message;
    ASSERT_TRUE(*fresh);
  }
  std::string keys(const std::string& prefix, const std::string& after, size_t limit) {
    const Result<std::vector<ObjectInfo>> found = store_->list(prefix, after, limit);
    if (!found.ok()) return found.error().message;
    std::string text;
    for (const ObjectInfo& o : *found) text += (text.empty() ? "" : " ") + o.key;
    return text;
  }
  std::shared_ptr<ObjectStore> store_;
};

}  // namespace cordwood
