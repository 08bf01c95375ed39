// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "storage/catalog.h"
#include "tests/support/object_store_contract.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

std::shared_ptr<ObjectStore> make_directory_store() {
  struct Held {
    TemporaryDirectory dir;
    PosixFileSystem fs;
    std::unique_ptr<ObjectStore> store;
  };
  auto held = std::make_shared<Held>();
  auto store = open_directory_store(held->fs, held->dir.path() + "/deep/objects/");
  CHECK(store.ok(), "{}", store.error().message);
  held->store = std::move(*store);
  return {held, held->store.get()};
}
INSTANTIATE_TEST_SUITE_P(Directory, ObjectStoreContract, testing::Values(&make_directory_store));

TEST(DirectoryStore, RefusesKeysThatLeadElsewhere) {
  const auto store = make_directory_store();
  auto f = [&](const std::string& key) {
    EXPECT_EQ(store->put_if_absent(key, "x").error().kind, ErrorKind::invalid) << key;
    EXPECT_EQ(store->get_range(key, 0, 0).error().kind, ErrorKind::invalid) << key;
    EXPECT_EQ(store->remove(key).error().kind, ErrorKind::invalid) << key;
  };
  f("");
  f("/etc/passwd");
  f("../x");
  f("a/../b");
  f("a//b");
  f("a/");
  f("./a");
  f("tmp/1");
  f("a b");
  f(std::string("a\0b", 3));
  f(std::string(2000, 'a'));
  f(std::string(256, 'a'));
}

TEST(DirectoryStore, RemovesLeftoversWhenOpened) {
  TemporaryDirectory dir;
  PosixFileSystem fs;
  ASSERT_TRUE(open_directory_store(fs, dir.path()).ok());
  ASSERT_TRUE(fs.open(dir.path() + "/tmp/1", OpenMode::create_new).ok());
  const auto store = open_directory_store(fs, dir.path());
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE(fs.list(dir.path() + "/tmp")->empty());
  EXPECT_TRUE((*store)->list("", "", 10)->empty());
  EXPECT_TRUE(*(*store)->put_if_absent("k", "v"));
  EXPECT_TRUE(fs.list(dir.path() + "/tmp")->empty());
}

}  // namespace
}  // namespace cordwood
