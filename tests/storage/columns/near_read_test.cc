// SPDX-License-Identifier: Apache-2.0
// How often a store that is far away is asked for a block.
#include <gtest/gtest.h>

#include <random>

#include "storage/cached_store.h"
#include "storage/segment.h"
#include "tests/storage/columns/block_fixture.h"
#include "tests/support/counting_store.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

using samples::Rows;

/// Every request takes long here, so what lies around is sent, too.
class FarStore final : public samples::CountingStore {
 public:
  using CountingStore::CountingStore;
  Result<ObjectBytes> get_near(const std::string& key, ObjectRange wanted, ObjectRange around) override {
    EXPECT_LE(around.offset, wanted.offset);
    EXPECT_GE(around.offset + around.size, wanted.offset + wanted.size);
    TRY_ASSIGN(std::string bytes, get_range(key, around.offset, around.size));
    return ObjectBytes{around.offset, std::move(bytes)};
  }
};

/// Lines that do not shrink much, with ids of their own and one that stands in many.
Rows some_rows(uint32_t block, uint32_t count, uint32_t text_bytes) {
  std::mt19937_64 random(block + 1);
  Rows rows;
  for (uint32_t i = 0; i < count; ++i) {
    std::string text;
    while (text.size() < text_bytes) text += static_cast<char>('0' + random() % 64);
    for (char& c : text) c = c == '\\' ? '-' : c;
    rows.add(fmt::format(R"({{"n":{},"trace_id":"{:032x}","span_id":"{:016x}","msg":"{}"}})", i,
                         0x9e3779b97f4a7c15ull * (i / 4 + 1), random(), text),
             i);
  }
  return rows;
}

SegmentMeta write_sample(ObjectStore* store, uint32_t blocks, uint32_t rows, uint32_t text_bytes) {
  BlockBuilder builder({});
  std::vector<SpilledBlock> spilled;
  for (uint32_t b = 0; b < blocks; ++b) {
    spilled.push_back(samples::spill(builder.build(some_rows(b, rows, text_bytes).input())));
  }
  auto meta = write_segment(*store, "segments/s", "node-1", 3, spilled);
  CHECK(meta.ok(), "{}", meta.error().message);
  return *meta;
}

/// One row after the other: the needle's own, then all.
void read_block(const BlockSource& source, uint32_t block, uint32_t count, uint32_t text_bytes) {
  ReadStats stats;
  auto view = source.open(&stats);
  ASSERT_TRUE(view.ok()) << view.error().message;
  const auto found = (*view)->rows_with_text(fmt::format("{:032x}", 0x9e3779b97f4a7c15ull), TextPlace::line);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->count(), 4u);
  const Rows rows = some_rows(block, count, text_bytes);
  std::string scratch;
  for (uint32_t row = 0; row < count; ++row) {
    const auto line = (*view)->line(row, &scratch);
    ASSERT_TRUE(line.ok()) << line.error().message;
    ASSERT_EQ(*line, rows.rows()[row].line);
  }
}

TEST(NearReadTest, ABlockTakesOneReadALargeOneAWindowAtATime) {
  const auto f = [](uint32_t blocks, uint32_t rows, uint32_t text_bytes, uint64_t want_each) {
    uint64_t reads = 0;
    FarStore store(&reads);
    const SegmentMeta meta = write_sample(&store, blocks, rows, text_bytes);
    const auto segment = Segment::open(store, meta);
    ASSERT_TRUE(segment.ok()) << segment.error().message;
    EXPECT_EQ(reads, 1u);
    for (uint32_t b = 0; b < blocks; ++b) {
      reads = 0;
      read_block(*(*segment)->blocks()[b], b, rows, text_bytes);
      // The first one also has the id lists read, for all.
      EXPECT_LE(reads, want_each + (b == 0 ? 1 : 0)) << "block " << b << " of " << rows << " rows";
    }
  };
  f(35, 100, 20, 2);    // stripes of many blocks; ids of rows are read from the lists one part at a time
  f(3, 1200, 1000, 2);  // a block of about a megabyte, the lists once more for its other rows
  f(2, 8000, 1000, 5);  // the narrow part, three windows of the heap, the lists
}

TEST(NearReadTest, ACacheKeepsWhatCameWithIt) {
  uint64_t reads = 0;
  TemporaryDirectory dir;
  PosixFileSystem fs;
  Metrics metrics;
  RangeCacheOptions options;
  options.dir = dir.path() + "/cache";
  auto cache = RangeCache::open(fs, options, metrics);
  ASSERT_TRUE(cache.ok());
  const auto store = make_cached_store(std::make_unique<FarStore>(&reads), std::move(*cache), "segments/", metrics);
  std::string object;
  for (uint32_t i = 0; object.size() < 3'000'000; ++i) object += std::to_string(i);
  ASSERT_TRUE(*store->put_if_absent("segments/a", object));
  const auto f = [&](ObjectRange wanted, ObjectRange around, uint64_t want_reads, uint64_t want_bytes) {
    reads = 0;
    const auto got = store->get_near("segments/a", wanted, around);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(reads, want_reads);
    EXPECT_EQ(got->bytes.size(), want_bytes);
    EXPECT_TRUE(got->bytes == object.substr(got->offset, want_bytes));
    EXPECT_LE(got->offset, wanted.offset);
    EXPECT_GE(got->offset + got->bytes.size(), wanted.offset + wanted.size);
  };
  f({1'000'000, 100}, {500'000, 1'000'000}, 1, 1'000'000);
  f({1'000'000, 100}, {500'000, 1'000'000}, 0, 100);
  f({500'000, 900'000}, {0, 2'000'000}, 0, 900'000);
  f({400'000, 200'000}, {400'000, 200'000}, 1, 200'000);
  f({2'999'000, 100}, {2'999'000, 100}, 1, 100);
}

}  // namespace
}  // namespace cordwood
