// SPDX-License-Identifier: Apache-2.0
#include "storage/base/object_store.h"

#include <gtest/gtest.h>

#include "tests/support/memory_store.h"

namespace cordwood {
namespace {

/// More than a list has at a time.
constexpr size_t kMany = 2500;

class ObjectStoreTest : public ::testing::Test {
 protected:
  ObjectStoreTest() {
    for (size_t i = 0; i < kMany; ++i) store_.objects[fmt::format("a/{:05}", i)] = std::string(i % 7, 'x');
    store_.objects["a0"] = store_.objects["b/1"] = "";
  }
  samples::MemoryStore store_;
};

TEST_F(ObjectStoreTest, ListsAllHoweverManyThereAre) {
  const auto all = store_.list_all("a/");
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), kMany);
  for (size_t i = 0; i < kMany; ++i) {
    ASSERT_EQ((*all)[i].key, fmt::format("a/{:05}", i));
    ASSERT_EQ((*all)[i].size_bytes, i % 7);
  }
  EXPECT_EQ(store_.list_all("a/", "a/02497")->size(), 2u);
  EXPECT_EQ(store_.list_all("")->size(), kMany + 2);
  EXPECT_TRUE(store_.list_all("c/")->empty());
}

TEST_F(ObjectStoreTest, RemovesWhatIsToGoOnEachPage) {
  const auto removed = store_.remove_where("a/", 1, [](const std::string& key) { return !key.ends_with("7"); });
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(*removed, kMany / 10 * 9);
  EXPECT_EQ(store_.objects.size(), kMany / 10 + 2);
  EXPECT_TRUE(store_.objects.contains("a/02497"));
  EXPECT_TRUE(store_.objects.contains("a0"));
  EXPECT_EQ(*store_.remove_where("a/", 1, [](const std::string&) { return false; }), 0u);
}

}  // namespace
}  // namespace cordwood
