// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.h"

#include <gtest/gtest.h>

#include "storage/segment_format.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::MemoryStore;
using samples::Rows;

Rows some_rows(int block, int count) {
  Rows rows(2);
  for (int i = 0; i < count; ++i) {
    rows.add(fmt::format(R"({{"n":{},"id":"{:016x}","msg":"m {}"}})", i * block, i * 0x9e3779b97f4a7c15ull, i), i,
             i < count / 2 ? 0 : 1, {{"detected_level", "info"}}, 1);
  }
  return rows;
}

SegmentMeta write_sample(MemoryStore* store, std::vector<Rows>* contents, int blocks, int rows) {
  BlockBuilder builder({});
  std::vector<SpilledBlock> spilled;
  for (int b = 0; b < blocks; ++b) {
    contents->push_back(some_rows(b, rows));
    spilled.push_back(samples::spill(builder.build(contents->back().input())));
  }
  auto meta = write_segment(*store, "segments/s", "node-1", 3, spilled);
  EXPECT_TRUE(meta.ok()) << meta.error().message;
  return meta.value();
}

TEST(SegmentTest, BlocksComeBack) {
  MemoryStore store;
  std::vector<Rows> contents;
  const SegmentMeta meta = write_sample(&store, &contents, 35, 100);
  EXPECT_EQ(meta.size_bytes, store.objects["segments/s"].size());
  EXPECT_EQ(meta.rows, 3500u);
  auto segment = Segment::open(store, meta);
  ASSERT_TRUE(segment.ok()) << segment.error().message;
  ASSERT_EQ((*segment)->blocks().size(), 35u);
  EXPECT_EQ((*segment)->streams().size(), 2u);
  for (size_t b = 0; b < 35; ++b) {
    ReadStats stats;
    auto view = (*segment)->blocks()[b]->open(&stats);
    ASSERT_TRUE(view.ok()) << view.error().message;
    samples::expect_same(view->get(), contents[b].rows());
    EXPECT_FALSE((*segment)->blocks()[b]->in_head());
  }
  auto again = read_segment_meta(store, meta.key);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->size_bytes, meta.size_bytes);
  EXPECT_EQ(again->tail_bytes, meta.tail_bytes);
  EXPECT_EQ(again->rows, meta.rows);
  EXPECT_EQ(again->generation, 3u);
}

TEST(SegmentTest, RefusesUnknownFeaturesAndVersions) {
  SegmentFooter footer;
  std::string bytes;
  footer.encode(&bytes);
  EXPECT_TRUE(SegmentFooter::decode(bytes, 1000).ok());
  footer.features |= uint64_t{1} << 63;
  bytes.clear();
  footer.encode(&bytes);
  auto refused = SegmentFooter::decode(bytes, 1000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
  EXPECT_NE(refused.error().message.find("feature bit 63"), std::string::npos) << refused.error().message;
  footer.features = kFeatureColumns;
  footer.major = 2;
  bytes.clear();
  footer.encode(&bytes);
  refused = SegmentFooter::decode(bytes, 1000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
}

/// Reads everything.  Rows that come without an error must be the right ones; returns how many did.
uint64_t read_what_is_left(MemoryStore& store, const SegmentMeta& meta, const std::vector<Rows>& contents,
                           uint64_t* errors) {
  auto segment = Segment::open(store, meta);
  if (!segment.ok()) {
    ++*errors;
    return 0;
  }
  uint64_t good = 0;
  for (const BlockSourcePtr& source : (*segment)->blocks()) {
    ReadStats stats;
    auto view = source->open(&stats);
    if (!view.ok()) {
      ++*errors;
      continue;
    }
    // Which block it is tells its second row.
    const std::vector<BlockInputRow>* want = nullptr;
    std::string scratch;
    if (auto line = (*view)->line(1, &scratch); line.ok()) {
      for (const Rows& c : contents)
        if (c.rows()[1].line == *line) want = &c.rows();
      EXPECT_NE(want, nullptr) << "a line that never was: " << *line;
    }
    if (want == nullptr) {
      ++*errors;
      continue;
    }
    for (uint32_t row = 0; row < (*view)->row_count(); ++row) {
      auto line = (*view)->line(row, &scratch);
      if (!line.ok()) {
        ++*errors;
        break;
      }
      EXPECT_EQ(*line, (*want)[row].line);
      ++good;
    }
    if (!(*view)->times().ok()) ++*errors;
    std::vector<MetadataPair> pairs;
    if (!(*view)->metadata(0, &pairs).ok()) ++*errors;
  }
  return good;
}

TEST(SegmentTest, AFlippedByteIsNoticedAndSparesTheRest) {
  MemoryStore store;
  std::vector<Rows> contents;
  const SegmentMeta meta = write_sample(&store, &contents, 3, 60);
  const std::string original = store.objects[meta.key];
  uint64_t errors = 0;
  ASSERT_EQ(read_what_is_left(store, meta, contents, &errors), 180u);
  ASSERT_EQ(errors, 0u);
  const auto footer =
      SegmentFooter::decode(original.substr(original.size() - SegmentFooter::kBytes), original.size()).value();
  const uint64_t index = footer.sections[kIdTableSection].offset;
  const uint64_t tail = footer.sections[kStreamSection].offset;
  for (size_t at = kSegmentHeaderBytes; at < original.size(); at += 3) {
    std::string damaged = original;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    store.objects[meta.key] = damaged;
    errors = 0;
    const uint64_t good = read_what_is_left(store, meta, contents, &errors);
    if (at >= index && at < tail) {
      EXPECT_EQ(good, 180u) << "byte " << at;
    }
    if (at < index) {
      EXPECT_GT(errors, 0u) << "byte " << at;
      EXPECT_GE(good, 120u) << "byte " << at;
    }
    if (::testing::Test::HasFailure()) FAIL() << "byte " << at;
  }
}

TEST(SegmentTest, ATruncatedObjectIsCorrupt) {
  MemoryStore store;
  std::vector<Rows> contents;
  const SegmentMeta meta = write_sample(&store, &contents, 2, 30);
  const std::string original = store.objects[meta.key];
  for (size_t size = 0; size < original.size(); size += 37) {
    store.objects[meta.key] = original.substr(0, size);
    EXPECT_FALSE(Segment::open(store, meta).ok());
  }
}

}  // namespace
}  // namespace cordwood
