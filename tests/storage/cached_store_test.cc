// SPDX-License-Identifier: Apache-2.0
// A cache changes nothing of what a store promises.
#include "storage/cached_store.h"

#include "storage/catalog.h"
#include "tests/support/object_store_contract.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

/// With hardly any room, so that ranges come and go.
std::shared_ptr<ObjectStore> cached_directory() {
  struct Held {
    TemporaryDirectory dir;
    PosixFileSystem fs;
    Metrics metrics;
    std::unique_ptr<ObjectStore> store;
  };
  auto held = std::make_shared<Held>();
  RangeCacheOptions options;
  options.dir = held->dir.path() + "/cache";
  options.max_bytes = 200u << 10;
  options.piece_bytes = 64u << 10;
  auto cache = RangeCache::open(held->fs, options, held->metrics);
  auto below = open_directory_store(held->fs, held->dir.path() + "/objects");
  CHECK(cache.ok() && below.ok());
  held->store = make_cached_store(std::move(*below), std::move(*cache), "", held->metrics);
  return {held, held->store.get()};
}
INSTANTIATE_TEST_SUITE_P(Cached, ObjectStoreContract, testing::Values(&cached_directory));

}  // namespace
}  // namespace cordwood
