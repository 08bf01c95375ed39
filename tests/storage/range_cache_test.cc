// SPDX-License-Identifier: Apache-2.0
#include "storage/range_cache.h"

#include <gtest/gtest.h>

#include "storage/base/clock.h"
#include "storage/cached_store.h"
#include "storage/segment.h"
#include "storage/text_probe.h"
#include "tests/storage/id_samples.h"
#include "tests/support/counting_store.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

constexpr uint64_t kPage = 4096;

std::string some_bytes(size_t size, char first = 'a') {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(first + i % 23);
  return out;
}

class RangeCacheTest : public ::testing::Test {
 protected:
  RangeCacheTest() { open(100 * kPage); }
  void open(uint64_t max_bytes, uint64_t piece_bytes = 1000) {
    RangeCacheOptions options;
    options.dir = "cache";
    options.max_bytes = max_bytes;
    options.piece_bytes = piece_bytes;
    auto opened = RangeCache::open(fs_, options, metrics_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    cache_ = std::move(*opened);
  }
  bool has(const std::string& key, uint64_t offset, uint64_t size) {
    return cache_->get(key, offset, size, false).has_value();
  }

  /// Of the process of now, the only ones there are.
  std::vector<std::string> files() {
    const std::vector<std::string> all = *fs_.list("cache");
    EXPECT_EQ(all.size(), 1u);
    std::vector<std::string> found = *fs_.list("cache/" + all.back().substr(0, all.back().size() - 1));
    for (std::string& name : found) name = "cache/" + all.back() + name;
    return found;
  }

  SimFileSystem fs_{1};
  Metrics metrics_;
  std::unique_ptr<RangeCache> cache_;
};

TEST_F(RangeCacheTest, WhatIsThereIsPutTogetherOfWhateverHoldsIt) {
  const std::string object = some_bytes(10'000);
  const auto keep = [&](uint64_t offset, uint64_t size) {
    cache_->put("k", offset, object.substr(offset, size), false);
  };
  keep(0, 500);
  keep(400, 700);
  keep(3000, 2500);  // in pieces of 1000
  const auto f = [&](uint64_t offset, uint64_t size, bool want) {
    const auto got = cache_->get("k", offset, size, false);
    ASSERT_EQ(got.has_value(), want) << offset << " " << size;
    EXPECT_EQ(got.value_or(""), want ? object.substr(offset, size) : "");
  };
  f(0, 500, true);
  f(100, 1, true);
  f(0, 1100, true);
  f(450, 650, true);
  f(0, 1101, false);
  f(3000, 2500, true);
  f(3999, 2, true);
  f(2999, 2, false);
  f(5400, 200, false);
  EXPECT_FALSE(has("other", 0, 10));
}

TEST_F(RangeCacheTest, TheLeastRecentlyUsedLeaveAndPinnedOnesStay) {
  open(4 * kPage);
  for (int i = 0; i < 4; ++i) cache_->put(std::to_string(i), 0, some_bytes(100), i == 0);
  EXPECT_EQ(cache_->bytes(), 4 * kPage);
  EXPECT_EQ(cache_->pinned_bytes(), kPage);
  EXPECT_TRUE(has("1", 0, 100));
  cache_->put("4", 0, some_bytes(100), false);
  EXPECT_EQ(cache_->bytes(), 4 * kPage);
  EXPECT_FALSE(has("2", 0, 100)) << "used longest ago";
  for (int i = 5; i < 50; ++i) {
    cache_->put(std::to_string(i), 0, some_bytes(100), true);
    EXPECT_LE(cache_->bytes(), 4 * kPage);
  }
  EXPECT_TRUE(has("0", 0, 100));
  EXPECT_EQ(cache_->pinned_bytes(), 2 * kPage) << "no more than half";
  EXPECT_EQ(files().size(), 4u);
  cache_->drop("0");
  EXPECT_FALSE(has("0", 0, 100));
  EXPECT_EQ(cache_->pinned_bytes(), kPage);
}

TEST_F(RangeCacheTest, ATailThatIsThereIsPinnedWhenItIsAskedFor) {
  open(4 * kPage);
  cache_->put("tail", 50, some_bytes(100), false);
  EXPECT_EQ(cache_->pinned_bytes(), 0u);
  EXPECT_TRUE(cache_->get("tail", 60, 90, true));
  EXPECT_EQ(cache_->pinned_bytes(), kPage);
  for (int i = 0; i < 10; ++i) cache_->put(std::to_string(i), 0, some_bytes(100), false);
  EXPECT_TRUE(has("tail", 50, 100));
}

TEST_F(RangeCacheTest, WhatIsKeptLeavesLastAndTheOldestFirst) {
  open(40 * kPage);
  const auto fill = [&](const std::string& with, int count) {
    for (int i = 0; i < count; ++i) cache_->put(with + std::to_string(i), 0, some_bytes(100), false);
  };
  cache_->put("old", 0, some_bytes(10'000), false);  // ten pieces
  cache_->keep("old", 2500, 3000);
  EXPECT_EQ(cache_->kept_bytes(), 4 * kPage);
  cache_->keep("old", 2500, 3000);
  cache_->keep("nothing", 0, 100);
  EXPECT_EQ(cache_->kept_bytes(), 4 * kPage);
  fill("x", 100);
  EXPECT_TRUE(has("old", 2000, 4000));
  EXPECT_FALSE(has("old", 1000, 100));
  EXPECT_FALSE(has("old", 6000, 100));
  EXPECT_EQ(cache_->bytes(), 40 * kPage);
  // A quarter of the cache is for the youngest ones.
  cache_->put("young", 0, some_bytes(8000), false);
  cache_->keep("young", 0, 8000);
  EXPECT_EQ(cache_->kept_bytes(), 10 * kPage);
  fill("y", 100);
  EXPECT_TRUE(has("young", 0, 8000));
  EXPECT_FALSE(has("old", 2000, 4000));
  // What is pinned is not kept any more, whatever comes after it.
  EXPECT_TRUE(cache_->get("young", 0, 1000, true));
  EXPECT_EQ(cache_->pinned_bytes(), kPage);
  cache_->put("next", 0, some_bytes(9000), false);
  cache_->keep("next", 0, 9000);
  EXPECT_LE(cache_->kept_bytes(), 10 * kPage);
  fill("z", 100);
  EXPECT_TRUE(has("young", 0, 1000));
  EXPECT_TRUE(has("next", 0, 9000));
  cache_->drop("next");
  EXPECT_EQ(cache_->kept_bytes(), kPage) << "one is left of the young";
  cache_->drop("young");
  EXPECT_EQ(cache_->kept_bytes(), 0u);
  EXPECT_EQ(cache_->pinned_bytes(), 0u);
}

TEST_F(RangeCacheTest, WhatIsNotWhatWasWrittenIsAMiss) {
  cache_->put("a", 0, some_bytes(100), true);
  cache_->put("b", 7, some_bytes(200, 'b'), false);
  cache_->put("c", 0, some_bytes(300, 'c'), false);
  cache_->put("d", 0, some_bytes(400, 'd'), false);
  cache_->put("a", 100, some_bytes(100, 'e'), false);
  const auto path = [this](const std::string& end) {
    for (const std::string& name : files())
      if (name.ends_with(end)) return name;
    return std::string();
  };
  ASSERT_TRUE((*fs_.open(path("-7-200"), OpenMode::read_write))->write_at(50, "X").ok());
  ASSERT_TRUE((*fs_.open(path("-300"), OpenMode::read_write))->truncate(150).ok());
  ASSERT_TRUE(fs_.remove(path("-400")).ok());
  // The bytes of one place under the name of another.
  ASSERT_TRUE(fs_.rename(path("-0-100"), path("-100-100")).ok());
  EXPECT_FALSE(has("a", 0, 100));
  EXPECT_FALSE(has("a", 100, 100));
  EXPECT_FALSE(has("b", 7, 200));
  EXPECT_FALSE(has("c", 0, 300));
  EXPECT_FALSE(has("d", 0, 400));
  EXPECT_EQ(metrics_.counter("cordwood_cache_damaged_total", "").value(), 3u);
  EXPECT_EQ(cache_->bytes(), 0u);
  EXPECT_EQ(cache_->pinned_bytes(), 0u);
  EXPECT_TRUE(files().empty()) << "what is damaged goes";
  cache_->put("b", 7, some_bytes(200, 'b'), false);
  EXPECT_EQ(*cache_->get("b", 7, 200, false), some_bytes(200, 'b'));
}

/// A key may be another object by then.
TEST_F(RangeCacheTest, AStartBeginsEmpty) {
  cache_->put("a", 0, some_bytes(100), true);
  ASSERT_TRUE(fs_.open("cache/of-an-older-version", OpenMode::create_new).ok());
  open(100 * kPage);
  EXPECT_FALSE(has("a", 0, 100));
  EXPECT_TRUE(files().empty());
}

/// The disk may take its time for that.
TEST(RangeCache, WhatWasLeftGoesBesideTheStart) {
  PosixFileSystem fs;
  TemporaryDirectory directory;
  Metrics metrics;
  RangeCacheOptions options;
  options.dir = directory.path() + "/cache";
  options.sweep_later = true;
  const std::string object = some_bytes(100);
  for (int start = 0; start < 3; ++start) {
    auto cache = RangeCache::open(fs, options, metrics);
    ASSERT_TRUE(cache.ok()) << cache.error().message;
    for (int i = 0; i < 200; ++i) {
      const std::string key = std::to_string(i);
      EXPECT_FALSE((*cache)->get(key, 0, 100, false));
      (*cache)->put(key, 0, object, false);
      EXPECT_EQ((*cache)->get(key, 0, 100, false), object);
    }
    // What is not swept when a process ends goes with the next one.
    for (int look = 0; start == 2 && look < 10'000 && fs.list(options.dir)->size() > 1; ++look) sleep_ns(1'000'000);
  }
  EXPECT_EQ(fs.list(options.dir)->size(), 1u);
}

TEST_F(RangeCacheTest, AFullDiskIsNoMoreThanAMiss) {
  fs_.set_capacity_bytes(fs_.used_bytes() + 50);
  cache_->put("a", 0, some_bytes(100), false);
  EXPECT_FALSE(has("a", 0, 100));
  EXPECT_EQ(cache_->bytes(), 0u);
  fs_.set_capacity_bytes(UINT64_MAX);
  cache_->put("a", 0, some_bytes(100), false);
  EXPECT_TRUE(has("a", 0, 100));
}

TEST_F(RangeCacheTest, AStoreReadsARangeOnceAndItsOwnUploadsNever) {
  uint64_t reads = 0;
  const auto store =
      make_cached_store(std::make_unique<samples::CountingStore>(&reads), std::move(cache_), "segments/", metrics_);
  const std::string object = some_bytes(700'000);
  for (const char* key : {"segments/up", "manifest/up"}) {
    auto upload = *store->upload(key);
    for (size_t at = 0; at < object.size(); at += 30'000) ASSERT_TRUE(upload->append(object.substr(at, 30'000)).ok());
    ASSERT_TRUE(upload->finish().ok());
  }
  ASSERT_TRUE(*store->put_if_absent("segments/put", object));
  const auto f = [&](const char* key, uint64_t offset, uint64_t size, uint64_t want_reads) {
    reads = 0;
    const auto got = store->get_range(key, offset, size);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_TRUE(*got == object.substr(offset, size));
    EXPECT_EQ(reads, want_reads) << key << " " << offset;
  };
  f("segments/put", 1000, 500, 1);
  f("segments/put", 1000, 500, 0);
  f("segments/put", 1100, 100, 0);
  f("segments/put", 900, 200, 1);
  f("manifest/up", 0, 10, 1);
  f("manifest/up", 0, 10, 1);
  f("segments/up", 699'000, 1000, 0);
  EXPECT_EQ(metrics_.counter("cordwood_cache_misses_total", "").value(), 2u);
  ASSERT_TRUE(store->remove("segments/put").ok());
  EXPECT_EQ(store->get_range("segments/put", 1000, 500).error().kind, ErrorKind::not_found);
  {
    auto given_up = *store->upload("segments/never");
    ASSERT_TRUE(given_up->append(object).ok());
  }
  EXPECT_EQ(store->get_range("segments/never", 0, 10).error().kind, ErrorKind::not_found);
}

/// As slow as one: what lies around comes, too.
class CountedBucket final : public samples::CountingStore {
 public:
  using CountingStore::CountingStore;
  Result<ObjectBytes> get_near(const std::string& key, ObjectRange, ObjectRange around) override {
    TRY_ASSIGN(std::string bytes, get_range(key, around.offset, around.size));
    return ObjectBytes{around.offset, std::move(bytes)};
  }
};

/// Segments of days that go on are many, and each question asks all of them.  Where they were written they are asked
/// without a read; after the disk was lost each gives its table once.
TEST_F(RangeCacheTest, YoungSegmentsAreAskedForIdsWithoutReads) {
  constexpr uint64_t kSegments = 12;
  constexpr uint64_t kRows = 300;
  uint64_t reads = 0;
  auto below = std::make_unique<CountedBucket>(&reads);
  std::map<std::string, std::string>* objects = &below->objects;
  open(400 * kPage);
  auto store = make_cached_store(std::move(below), std::move(cache_), "segments/", metrics_);
  std::vector<SegmentMeta> metas;
  BlockBuilder builder({});
  const auto id = [](uint64_t n) { return samples::hex_id(n, 32); };
  for (uint64_t s = 0; s < kSegments; ++s) {
    samples::Rows rows;
    for (uint64_t i = 0; i < kRows; ++i) rows.add("id " + id(s * kRows + i), static_cast<int64_t>(i));
    const std::vector<SpilledBlock> blocks{samples::spill(builder.build(rows.input()))};
    auto meta = write_segment(*store, fmt::format("segments/{}", s), "n", s, blocks);
    ASSERT_TRUE(meta.ok());
    metas.push_back(*meta);
  }
  const auto ask_all = [&](uint64_t want_reads) {
    std::vector<std::shared_ptr<const Segment>> segments;
    for (const SegmentMeta& meta : metas) segments.push_back(Segment::open(*store, meta).value());
    reads = 0;
    for (uint64_t n = 0; n < 2 * kSegments * kRows; n += 7) {
      const TextProbe probe = TextProbe::substring(id(n));
      ReadStats stats;
      for (uint64_t s = 0; s < kSegments; ++s)
        EXPECT_EQ(*segments[s]->blocks()[0]->may_hold(probe, &stats), n / kRows == s) << n << " " << s;
    }
    EXPECT_EQ(reads, want_reads);
  };
  // Of other things more comes than there is room for.
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(*store->put_if_absent(fmt::format("segments/x{}", i), "some bytes"));
    ASSERT_TRUE(store->get_range(fmt::format("segments/x{}", i), 0, 5).ok());
  }
  EXPECT_GT(metrics_.counter("cordwood_cache_evicted_total", "").value(), 500u);
  ask_all(0);

  auto again = std::make_unique<CountedBucket>(&reads);
  again->objects = *objects;
  open(400 * kPage);
  store = make_cached_store(std::move(again), std::move(cache_), "segments/", metrics_);
  ask_all(kSegments);
}

}  // namespace
}  // namespace cordwood
