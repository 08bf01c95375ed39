// SPDX-License-Identifier: Apache-2.0
// One id table for several segments: what it finds, what it costs to read, what damage does.
#include "storage/day_ids.h"

#include <gtest/gtest.h>

#include "storage/base/coding.h"
#include "storage/id_reads.h"
#include "storage/segment_format.h"
#include "storage/segment_index.h"
#include "storage/text_tokens.h"
#include "tests/storage/id_samples.h"

namespace cordwood {
namespace {

using samples::hex_id;
using samples::MemoryStore;
using samples::Rows;

/// Segments of different sizes.  Ids: own of each line, shared by neighbouring segments, in all blocks, of 16 digits.
struct Day {
  struct Shape {
    uint32_t blocks;
    uint32_t lines;
  };
  explicit Day(const std::vector<Shape>& shapes) {
    for (uint32_t s = 0; s < shapes.size(); ++s) add(s, shapes[s]);
  }
  void add(uint32_t s, Shape shape) {
    BlockBuilder builder({});
    std::vector<SpilledBlock> spilled;
    for (uint32_t b = 0; b < shape.blocks; ++b) {
      Rows rows;
      for (uint32_t i = 0; i < shape.lines; ++i) {
        rows.add(fmt::format(R"({{"own":"{}","short":"{}","shared":"{}","all":"{}"}})", own(s, b, i),
                             hex_id(own_number(s, b, i) + 1'000'000'000, 16),
                             hex_id(i + (s / 2) * 100'000 + 2'000'000'000, 32), hex_id(3'000'000'000, 32)),
                 i);
      }
      spilled.push_back(samples::spill(builder.build(rows.input())));
    }
    metas.push_back(write_segment(store, fmt::format("s{}", s), "n", 1, spilled).value());
    segments.push_back(Segment::open(store, metas.back()).value());
  }
  static uint64_t own_number(uint32_t s, uint32_t b, uint32_t i) { return (s * 1000ull + b) * 10'000 + i; }
  static std::string own(uint32_t s, uint32_t b, uint32_t i) { return hex_id(own_number(s, b, i), 32); }

  Result<DayIdsMeta> write(size_t* failed) {
    std::vector<DayIdsSource> sources;
    for (size_t s = 0; s < segments.size(); ++s) sources.push_back({metas[s].key, segments[s]->index()});
    const std::atomic<bool> stop{false};
    return write_day_ids(store, "d", sources, stop, failed);
  }
  void join() {
    size_t failed = 0;
    auto meta = write(&failed);
    ASSERT_TRUE(meta.ok()) << meta.error().message;
    use(*meta);
  }
  void use(const DayIdsMeta& meta) {
    table = std::make_shared<const DayIds>(store, meta);
    for (uint32_t s = 0; s < segments.size(); ++s) {
      ASSERT_TRUE(segments[s]->index()->can_join(*table, s));
      segments[s]->index()->join(table, s);
    }
  }
  /// Blocks that may hold it, as segment * 1000 + block.
  std::vector<uint32_t> holders(const std::string& id, ReadStats* stats) const {
    std::vector<uint32_t> out;
    for (uint32_t s = 0; s < segments.size(); ++s)
      for (uint32_t b = 0; b < segments[s]->blocks().size(); ++b)
        if (segments[s]->blocks()[b]->may_hold(TextProbe::value(id), stats).value()) out.push_back(s * 1000 + b);
    return out;
  }

  struct Store final : MemoryStore {
    bool far = false;
    bool is_far() const override { return far; }
  };
  Store store;
  std::vector<SegmentMeta> metas;
  std::vector<std::shared_ptr<const Segment>> segments;
  std::shared_ptr<const DayIds> table;
};

TEST(DayIds, OneReadFindsAnIdInAllSegments) {
  Day day({{20, 500}, {70, 30}, {1, 1}, {3, 900}});
  std::map<std::string, std::vector<uint32_t>> alone;
  ReadStats before;
  std::vector<std::string> ids;
  for (uint32_t i = 0; i < 30; i += 3) {
    ids.push_back(Day::own(0, i % 20, i * 10));
    ids.push_back(Day::own(1, i * 2, i));
    ids.push_back(Day::own(3, i % 3, i * 20));
    ids.push_back(hex_id(Day::own_number(1, i, i) + 1'000'000'000, 16));
    ids.push_back(hex_id(i + 2'000'000'000, 32));            // in 90 blocks: common
    ids.push_back(hex_id(i + 100'000 + 2'000'000'000, 32));  // of the last two segments
  }
  ids.push_back(Day::own(2, 0, 0));
  for (const std::string& id : ids) alone[id] = day.holders(id, &before);
  EXPECT_EQ(before.index_reads, ids.size() * 4);
  day.join();
  if (HasFatalFailure()) return;
  for (const std::string& id : ids) {
    ReadStats stats;
    EXPECT_EQ(day.holders(id, &stats), alone[id]) << id;
    EXPECT_EQ(stats.index_damages, 0u);
    EXPECT_EQ(stats.index_reads, alone[id].size() > 64 ? 5u : 1u) << "of an id in many blocks each segment is asked";
  }
  uint64_t wrong = 0;
  ReadStats stats;
  for (uint64_t i = 0; i < 5000; ++i) wrong += day.holders(hex_id(i + 90'000'000'000, 32), &stats).size();
  EXPECT_EQ(stats.index_reads, 5000u);
  EXPECT_LE(wrong, 20u);
  EXPECT_EQ(day.table->meta().size_bytes, day.store.head("d")->size_bytes);
}

/// Every id of every segment, at sizes where the tables' places do not fit each other.
TEST(DayIds, NoIdIsLost) {
  for (const std::vector<Day::Shape>& shapes : {std::vector<Day::Shape>{{2, 400}, {1, 399}},
                                                {{1, 1}, {1, 2}, {4, 700}},
                                                {{6, 300}, {5, 301}, {4, 302}, {3, 303}, {2, 304}}}) {
    Day day(shapes);
    day.join();
    if (HasFatalFailure()) return;
    for (uint32_t s = 0; s < shapes.size(); ++s) {
      for (uint32_t b = 0; b < shapes[s].blocks; ++b) {
        for (uint32_t i = 0; i < shapes[s].lines; ++i) {
          ReadStats stats;
          const auto found = day.holders(Day::own(s, b, i), &stats);
          ASSERT_TRUE(std::find(found.begin(), found.end(), s * 1000 + b) != found.end()) << s << " " << b << " " << i;
          ASSERT_LE(found.size(), 2u);
        }
      }
    }
  }
}

TEST(DayIds, WhatIsNotWhatWasWrittenIsNotAsked) {
  Day day({{3, 200}, {2, 200}});
  day.join();
  if (HasFatalFailure()) return;
  const std::string id = Day::own(1, 1, 5);
  const DayIdsMeta meta = day.table->meta();
  // Damaged buckets.
  std::string bytes = day.store.get_range("d", 0, meta.size_bytes).value();
  for (size_t at = kDayIdsHeaderBytes + 100; at < bytes.size(); at += IdTableShape::kBucketBytes) bytes[at] ^= 1;
  ASSERT_TRUE(day.store.remove("d").ok());
  ASSERT_TRUE(day.store.put_if_absent("d", bytes).value());
  ReadStats stats;
  EXPECT_EQ(day.holders(id, &stats), std::vector<uint32_t>{1001}) << "each segment's own table answers";
  EXPECT_EQ(stats.index_damages, 1u);
  EXPECT_EQ(stats.index_reads, 3u);
  EXPECT_TRUE(day.table->damaged());
  // Gone.
  ASSERT_TRUE(day.store.remove("d").ok());
  day.use(meta);
  EXPECT_FALSE(day.table->damaged());
  EXPECT_EQ(day.holders(Day::own(0, 2, 7), &stats), std::vector<uint32_t>{2});
  EXPECT_TRUE(day.table->damaged());
}

TEST(DayIds, TablesThatCannotBeJoinedAreTold) {
  Day day({{3, 200}, {2, 200}});
  size_t failed = 0;
  // A damaged bucket of the second segment.
  std::string bytes = day.store.get_range("s1", 0, day.metas[1].size_bytes).value();
  const auto footer =
      SegmentFooter::decode(std::string_view(bytes).substr(bytes.size() - SegmentFooter::kBytes), bytes.size());
  bytes[footer->sections[kIdTableSection].offset + 40] ^= 1;
  ASSERT_TRUE(day.store.remove("s1").ok());
  ASSERT_TRUE(day.store.put_if_absent("s1", bytes).value());
  auto written = day.write(&failed);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(failed, 1u);
  EXPECT_FALSE(day.store.head("d").ok()) << "nothing is left of it";
  // Ids that fall together flood their buckets: of those that are missing nothing is known.
  Rows rows = samples::rows_of(samples::flooding_ids());
  BlockBuilder builder({});
  const auto meta = write_segment(day.store, "s2", "n", 1, {samples::spill(builder.build(rows.input()))});
  const std::atomic<bool> stop{false};
  const auto flooded = Segment::open(day.store, *meta).value();
  written = write_day_ids(day.store, "d", {{"s0", day.segments[0]->index()}, {"s2", flooded->index()}}, stop, &failed);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().kind, ErrorKind::invalid);
  EXPECT_EQ(failed, 1u);
  const std::atomic<bool> stopped{true};
  written = write_day_ids(day.store, "d", {{"s0", day.segments[0]->index()}}, stopped, &failed);
  EXPECT_EQ(written.error().kind, ErrorKind::cancelled);
}

TEST(DayIds, MetaIsReadAsItWasWritten) {
  DayIdsMeta meta;
  meta.key = DayIdsMeta::make_key("n", 7, 3);
  EXPECT_TRUE(DayIdsMeta::is_key(meta.key));
  EXPECT_FALSE(DayIdsMeta::is_key("segments/n/m00000000000000000007-000003-0000.seg"));
  meta.shape.hash_bits = 48;
  meta.shape.remainder_bits = 20;
  meta.shape.block_bits = 6;
  meta.shape.buckets = 100;
  meta.shape.overflow = 2;
  meta.shape.reach = 3;
  meta.shape.ids = 9000;
  meta.shape.entries = 12'000;
  meta.size_bytes = kDayIdsHeaderBytes + meta.shape.bytes();
  meta.parts = {{"segments/n/a", 30}, {"segments/n/b", 20}};
  std::string bytes;
  meta.encode(&bytes);
  ByteReader in(bytes);
  const auto back = DayIdsMeta::decode(&in);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->key, meta.key);
  EXPECT_EQ(back->parts, meta.parts);
  EXPECT_EQ(back->shape.bytes(), meta.shape.bytes());
  EXPECT_EQ(back->shape.reach, 3u);
  for (size_t at = 0; at < bytes.size(); ++at) {
    ByteReader cut(std::string_view(bytes).substr(0, at));
    EXPECT_FALSE(DayIdsMeta::decode(&cut).ok()) << at;
  }
  const auto refused = [&](const std::function<void(DayIdsMeta*)>& change) {
    DayIdsMeta other = meta;
    change(&other);
    std::string wrong;
    other.encode(&wrong);
    ByteReader reader(wrong);
    EXPECT_FALSE(DayIdsMeta::decode(&reader).ok());
  };
  refused([](DayIdsMeta* m) { m->parts[0].blocks = 60; });
  refused([](DayIdsMeta* m) { m->size_bytes += 1; });
  refused([](DayIdsMeta* m) { m->shape.version = IdTableShape::kChains; });
  refused([](DayIdsMeta* m) { m->shape.reach = 0; });
}

/// Where the store is far, reads are made before the blocks ask: a common table's once.
TEST(DayIds, ReadsAreMadeAtOnceWhereTheStoreIsFar) {
  Day day({{3, 200}, {2, 200}, {2, 100}});
  const auto ask = [&](const std::string& id) {
    const TextProbe probe = TextProbe::value(id);
    IdReads reads;
    for (const auto& segment : day.segments)
      for (const auto& block : segment->blocks()) block->add_id_reads(probe, &reads);
    ReadStats stats;
    reads.run(&stats);
    EXPECT_EQ(reads.size() > 0, day.store.far);
    const uint64_t before = stats.index_reads;
    (void)day.holders(id, &stats);
    EXPECT_TRUE(stats.index_reads == before || !day.store.far) << "a block has to ask again";
    return stats.index_reads;
  };
  EXPECT_EQ(ask(Day::own(1, 1, 5)), 3u) << "a local disk answers at once: blocks ask themselves";
  day.store.far = true;
  EXPECT_EQ(ask(Day::own(1, 1, 6)), 3u);
  day.join();
  EXPECT_EQ(ask(Day::own(1, 1, 7)), 1u);
  EXPECT_EQ(ask(hex_id(90'000'000'000, 32)), 1u);
  ASSERT_TRUE(day.store.remove("d").ok());
  EXPECT_EQ(ask(Day::own(1, 1, 8)), 4u) << "the table is gone: each segment is asked";
  const TextProbe probe = TextProbe::value(Day::own(1, 1, 8));
  IdReads none;
  day.segments[0]->blocks()[0]->add_id_reads(probe, &none);
  EXPECT_EQ(none.size(), 0u) << "it was asked lately";
}

}  // namespace
}  // namespace cordwood
