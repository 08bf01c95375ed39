// SPDX-License-Identifier: Apache-2.0
// What the index of a segment, and of a block not yet in one, answers and reads.
#include "storage/segment_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/spilled_index.h"
#include "storage/text_tokens.h"
#include "tests/storage/id_samples.h"

namespace cordwood {
namespace {

using samples::hex_id;
using samples::MemoryStore;
using samples::Rows;

/// Blocks of JSON lines: each has its own ids and words, and some that others have too.
struct Sample {
  MemoryStore store;
  SegmentMeta meta;
  std::vector<Rows> rows;
  std::shared_ptr<const Segment> segment;

  Sample(uint32_t blocks, uint32_t lines, bool with_long = false) {
    BlockBuilder builder({});
    std::vector<SpilledBlock> spilled;
    for (uint32_t b = 0; b < blocks; ++b) {
      Rows& r = rows.emplace_back();
      for (uint32_t i = 0; i < lines; ++i) {
        const uint64_t n = b * 100000ull + i;
        r.add(fmt::format(R"({{"trace_id":"{}","span":"{}","shared":"{}","everywhere":"{}","msg":"word{}q said {}"}})",
                          hex_id(n, 32), hex_id(n + 7'000'000'000, 16),
                          hex_id(i % 50 + (b % 5) * 1000 + 9'000'000'000, 32), hex_id(123, 32), n,
                          with_long && i == 0 ? hex_id(n, 40) : "nothing"),
              i, 0, {{"request", hex_id(n + 5'000'000'000, 32)}});
      }
      spilled.push_back(samples::spill(builder.build(r.input())));
    }
    auto written = write_segment(store, "s", "n", 1, spilled);
    EXPECT_TRUE(written.ok()) << written.error().message;
    meta = written.value();
    reopen();
  }
  void reopen() { segment = Segment::open(store, meta).value(); }
  std::vector<uint32_t> holders(const TextProbe& probe, ReadStats* stats) const {
    std::vector<uint32_t> out;
    for (uint32_t b = 0; b < segment->blocks().size(); ++b)
      if (segment->blocks()[b]->may_hold(probe, stats).value()) out.push_back(b);
    return out;
  }
};

TEST(SegmentIndex, AnIdIsLookedUpOnce) {
  const Sample sample(120, 60);
  ReadStats stats;
  EXPECT_EQ(sample.holders(TextProbe::substring(hex_id(77 * 100000 + 5, 32)), &stats), std::vector<uint32_t>{77});
  EXPECT_EQ(stats.index_reads, 1u);
  EXPECT_LE(stats.index_bytes, 2 * IdTableShape::kBucketBytes);
  EXPECT_TRUE(sample.holders(TextProbe::substring(hex_id(424242, 32)), &stats).empty());
  EXPECT_EQ(stats.index_reads, 2u);
  EXPECT_EQ(sample.holders(TextProbe::value(hex_id(3 * 100000 + 7'000'000'000, 16)), &stats), std::vector<uint32_t>{3});
  // Sixteen digits may lie within thirty-two; between quotes they do not.
  EXPECT_EQ(sample.holders(TextProbe::substring(hex_id(3 * 100000 + 7'000'000'000, 16)), &stats).size(), 120u);
  EXPECT_EQ(sample.holders(TextProbe::substring("\"" + hex_id(3 * 100000 + 7'000'000'000, 16) + "\""), &stats),
            std::vector<uint32_t>{3});
  EXPECT_EQ(sample.holders(TextProbe::value(hex_id(9 * 100000 + 5'000'000'001, 32)), &stats), std::vector<uint32_t>{9});
  EXPECT_EQ(sample.holders(TextProbe::value(hex_id(9'000'000'000, 32)), &stats).size(), 24u);
  EXPECT_EQ(sample.holders(TextProbe::value(hex_id(123, 32)), &stats).size(), 120u);  // common
  EXPECT_EQ(stats.index_damages, 0u);
  EXPECT_EQ(stats.blocks_opened, 0u);
}

/// Notes what is read, and what is announced.
class AnnouncedStore final : public MemoryStore {
 public:
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override {
    read.emplace_back(offset, size);
    return MemoryStore::get_range(key, offset, size);
  }
  void will_get(const std::string&, ObjectRange range) override { announced.emplace_back(range.offset, range.size); }
  std::vector<std::pair<uint64_t, uint64_t>> read, announced;
};

TEST(SegmentIndex, WhatIdsWillReadCanBeAnnounced) {
  Sample sample(20, 60);
  AnnouncedStore store;
  store.objects = sample.store.objects;
  const auto segment = Segment::open(store, sample.meta).value();
  const SegmentIndex& index = *segment->index();
  const TextProbe here = TextProbe::value(hex_id(7 * 100000 + 5, 32)), absent = TextProbe::value(hex_id(424242, 32));
  const TextProbe word = TextProbe::substring("nothing else");
  const TextProbe* const asked[] = {&here, &absent, &word, &here};
  store.read.clear();
  index.will_locate(asked);
  EXPECT_TRUE(store.read.empty());
  EXPECT_EQ(store.announced.size(), 2u);
  ReadStats stats;
  index.locate_blocks(std::span(asked).first(2), &stats);
  std::sort(store.read.begin(), store.read.end());
  std::sort(store.announced.begin(), store.announced.end());
  EXPECT_EQ(store.read, store.announced);
  store.announced.clear();
  index.will_locate(asked);
  EXPECT_TRUE(store.announced.empty()) << "known since";
}

TEST(SegmentIndex, WordsAreAskedOfAllBlocksAtOnce) {
  Sample sample(120, 60);
  ReadStats stats;
  const auto locate = [&](const TextProbe& probe) {
    const TextProbe* const asked = &probe;
    const RowBits blocks = sample.segment->index()->locate_blocks(std::span(&asked, 1), &stats);
    std::vector<uint32_t> out;
    for (uint32_t b = blocks.next(0); b < blocks.rows(); b = blocks.next(b + 1)) out.push_back(b);
    return out;
  };
  const TextProbe word = TextProbe::substring("\"word7700005q said");
  EXPECT_EQ(locate(word), std::vector<uint32_t>{77});
  EXPECT_LE(stats.index_reads, 12u);
  const uint64_t reads = std::exchange(stats.index_reads, 0);
  // What is known is not asked again.
  EXPECT_EQ(sample.holders(word, &stats), std::vector<uint32_t>{77});
  EXPECT_EQ(locate(word), std::vector<uint32_t>{77});
  EXPECT_EQ(stats.index_reads, 0u);
  const TextProbe absent = TextProbe::substring("krakenquake");
  EXPECT_TRUE(locate(absent).empty());
  EXPECT_LE(stats.index_reads, reads);
  // A block alone says the same.
  sample.reopen();
  EXPECT_EQ(sample.holders(word, &stats), std::vector<uint32_t>{77});
  EXPECT_TRUE(sample.holders(absent, &stats).empty());
  EXPECT_EQ(stats.index_damages, 0u);
  EXPECT_EQ(stats.blocks_opened, 0u);
}

/// A bucket: each read counts, and may bring what lies around.
class FarStore final : public MemoryStore {
 public:
  explicit FarStore(const MemoryStore& store) { objects = store.objects; }
  bool is_far() const override { return true; }
  Result<ObjectBytes> get_near(const std::string& key, ObjectRange, ObjectRange around) override {
    TRY_ASSIGN(std::string bytes, get_range(key, around.offset, around.size));
    return ObjectBytes{around.offset, std::move(bytes)};
  }
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override {
    ++reads;
    return MemoryStore::get_range(key, offset, size);
  }
  uint64_t reads = 0;
};

TEST(SegmentIndex, FarAwayWordsTakeAFewReadsOnceABlockIsAsked) {
  const Sample sample(120, 60);
  FarStore store(sample.store);
  const auto segment = Segment::open(store, sample.meta).value();
  store.reads = 0;
  ReadStats stats;
  const TextProbe word = TextProbe::substring("\"word7700005q said");
  const TextProbe absent = TextProbe::substring("krakenquakes are not in here");
  for (const TextProbe* probe : {&word, &absent}) {
    EXPECT_EQ(segment->index()->locate_blocks(std::span(&probe, 1), &stats).count(), 120u);
    EXPECT_EQ(store.reads, 0u) << "others may tell first";
  }
  const auto ask = [&](const TextProbe& probe, uint32_t want, uint64_t most) {
    uint32_t held = 0;
    for (const BlockSourcePtr& block : segment->blocks()) held += block->may_hold(probe, &stats).value();
    EXPECT_EQ(held, want);
    EXPECT_LE(std::exchange(store.reads, 0), most);
  };
  ask(word, 1, 4);
  ask(word, 1, 0);
  ask(absent, 0, 4);
  EXPECT_EQ(stats.index_damages, 0u);
}

/// A table of so many ids that some buckets flow over: each is found by one read, and absent ones by one, too.
TEST(SegmentIndex, OneReadFindsAnyId) {
  constexpr uint32_t kBlocks = 30;
  constexpr uint32_t kLines = 2000;
  const Sample sample(kBlocks, kLines);
  ReadStats stats;
  uint64_t asked = 0;
  const auto ask = [&](uint64_t n, uint32_t digits) {
    const std::vector<uint32_t> found = sample.holders(TextProbe::value(hex_id(n, digits)), &stats);
    EXPECT_EQ(stats.index_reads, ++asked) << n;
    return found;
  };
  for (uint32_t b = 0; b < kBlocks; ++b) {
    for (uint32_t i = 0; i < kLines; i += 7) {
      const uint64_t n = b * 100000ull + i;
      EXPECT_EQ(ask(n, 32), std::vector<uint32_t>{b});
      EXPECT_EQ(ask(n + 7'000'000'000, 16), std::vector<uint32_t>{b});
    }
  }
  for (uint64_t i = 0; i < 5000; ++i) EXPECT_TRUE(ask(i + 90'000'000'000, 32).empty());
  EXPECT_EQ(stats.index_damages, 0u);
  EXPECT_GT(stats.index_bytes, asked * IdTableShape::kBucketBytes) << "no bucket flows over";
  EXPECT_LE(stats.index_bytes, asked * IdTableShape::kBucketBytes * 4);
}

/// Whoever chooses ids can make their hashes fall together: reads stay bounded, and nothing is ruled out wrongly.
TEST(SegmentIndex, IdsThatFallTogetherAreFound) {
  const std::vector<std::string> ids = samples::flooding_ids();
  Rows rows = samples::rows_of(ids);
  Rows other;
  for (uint64_t i = 0; i < 100; ++i) other.add(hex_id(i, 32), static_cast<int64_t>(i));
  BlockBuilder builder({});
  MemoryStore store;
  std::vector<SpilledBlock> spilled{samples::spill(builder.build(rows.input()))};
  spilled.push_back(samples::spill(builder.build(other.input())));
  const auto meta = write_segment(store, "s", "n", 1, spilled);
  ASSERT_TRUE(meta.ok());
  const auto segment = Segment::open(store, *meta).value();
  ReadStats stats;
  for (const std::string& id : ids) ASSERT_TRUE(segment->blocks()[0]->may_hold(TextProbe::value(id), &stats).value());
  for (uint64_t i = 0; i < 100; ++i)
    EXPECT_TRUE(segment->blocks()[1]->may_hold(TextProbe::value(hex_id(i, 32)), &stats).value());
  EXPECT_EQ(stats.index_reads, ids.size() + 100);
  EXPECT_EQ(stats.index_damages, 0u);
  EXPECT_LE(stats.index_bytes, stats.index_reads * uint64_t{IdTableShape::kMaxReach} * IdTableShape::kBucketBytes);
  EXPECT_GT(stats.index_bytes, stats.index_reads * uint64_t{IdTableShape::kMaxReach} * IdTableShape::kBucketBytes / 2);
}

/// Tables of old have an overflow area.
TEST(SegmentIndex, ChainsOfOldAreFollowed) {
  IdTableShape shape;
  shape.version = IdTableShape::kChains;
  shape.hash_bits = 40;
  shape.remainder_bits = 15;
  shape.block_bits = 2;
  shape.buckets = 1;
  shape.overflow = 1;
  std::string table;
  const auto add = [&](const std::string& id, uint32_t block, uint32_t next) {
    const uint64_t bits = id_place(old_id_hash(id), shape) | uint64_t{block} << 15;
    std::string body;
    ByteWriter w(&body);
    w.u32(next);
    w.u16(1);
    w.u64(bits);
    body.resize(IdTableShape::kBucketBytes - 4);
    ByteWriter(&table).u32(static_cast<uint32_t>(xxh3_64(body, table.size() / IdTableShape::kBucketBytes)));
    table += body;
  };
  add(hex_id(1, 32), 0, 1);
  const std::string padded = std::string(16, '0') + hex_id(2, 16);
  add(padded, 1, 0);
  SegmentFooter footer;
  footer.sections[kIdTableSection] = {0, table.size(), 0};
  SegmentIndexDirectory directory;
  directory.ids = shape;
  directory.blocks.assign(2, {BlockTextFacts::kIndexed, 0, 0, 0});
  directory.place_filters(false);
  const SegmentIndex index(directory, footer, memory_source(table));
  ReadStats stats;
  const auto f = [&](const std::string& id, bool first, bool second) {
    const TextProbe probe = TextProbe::value(id);
    EXPECT_EQ(index.may_hold(0, probe, &stats).value(), first) << id;
    EXPECT_EQ(index.may_hold(1, probe, &stats).value(), second) << id;
  };
  f(hex_id(1, 32), true, false);
  f(padded, false, true);
  f(hex_id(3, 32), false, false);
  EXPECT_EQ(stats.index_reads, 6u);
  EXPECT_EQ(stats.index_damages, 0u);
}

TEST(SegmentIndex, WordsAreRuledOut) {
  const Sample sample(40, 60);
  ReadStats stats;
  const auto f = [&](const TextProbe& probe, const std::vector<uint32_t>& want) {
    EXPECT_EQ(sample.holders(probe, &stats), want) << probe.text();
  };
  f(TextProbe::substring(" deadlock "), {});
  f(TextProbe::substring("deadlock"), {});
  f(TextProbe::substring("eadloc"), {});
  f(TextProbe::substring("\"word1700003q said"), {17});
  // Block 0 has no number of seven digits.
  EXPECT_EQ(sample.holders(TextProbe::substring("ord1700003q sai"), &stats).size(), 39u);
  EXPECT_EQ(sample.holders(TextProbe::substring("hin"), &stats).size(), 40u);
  EXPECT_EQ(sample.holders(TextProbe::substring(""), &stats).size(), 40u);
  f(TextProbe::value("word1700003q said nothing"), {17});
  EXPECT_FALSE(TextProbe::substring("no \xef\xbf\xbd one").useful());
  EXPECT_FALSE(TextProbe::substring("a b").is_value());
  EXPECT_GT(stats.index_reads, 0u);
}

TEST(SegmentIndex, CodesWithoutAWholeWordAreRuledOut) {
  MemoryStore store;
  BlockBuilder builder({});
  std::vector<SpilledBlock> spilled;
  for (const std::string_view code : {"PX-7781", "PX 7781", "ab-7781", "px-1234"}) {
    Rows r;
    r.add(fmt::format(R"({{"msg":"provider returned code {}"}})", code), 1, 0, {});
    r.add(fmt::format("level=info code={} took=5ms", code), 2, 0, {});
    r.add(fmt::format("{} was returned", code), 3, 0, {{"code", std::string(code)}});
    spilled.push_back(samples::spill(builder.build(r.input())));
  }
  auto written = write_segment(store, "s", "n", 1, spilled);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const auto segment = Segment::open(store, *written).value();
  const auto f = [&](const TextProbe& probe, const std::vector<uint32_t>& want) {
    ReadStats stats;
    std::vector<uint32_t> holders;
    for (uint32_t b = 0; b < segment->blocks().size(); ++b)
      if (segment->blocks()[b]->may_hold(probe, &stats).value()) holders.push_back(b);
    EXPECT_EQ(holders, want) << probe.text();
  };
  f(TextProbe::substring("PX-7781"), {0, 3});  // case and digits are not looked at
  f(TextProbe::substring("PX-77"), {0, 3});
  f(TextProbe::substring("X-7781"), {0, 1, 2, 3});
  f(TextProbe::substring("PY-7781"), {});
  f(TextProbe::folded("px-77"), {0, 3});
  f(TextProbe::folded("kx-77"), {0, 1, 2, 3});  // a k may be written in other ways
  f(TextProbe::substring("b-7781"), {0, 1, 2, 3});
  f(TextProbe::substring("ab-7781"), {0, 1, 2, 3});  // all hex digits
  f(TextProbe::value("PX-7781"), {0});               // PX is a whole word
}

TEST(SegmentIndex, LongerRunsHideIds) {
  const Sample sample(3, 20, true);
  ReadStats stats;
  // Every block has a run of forty digits, in which thirty-two may lie.
  EXPECT_EQ(sample.holders(TextProbe::substring(hex_id(424242, 32)), &stats).size(), 3u);
  EXPECT_TRUE(sample.holders(TextProbe::value(hex_id(424242, 32)), &stats).empty());
  EXPECT_TRUE(sample.holders(TextProbe::value(hex_id(424242, 24)), &stats).empty());
}

TEST(SegmentIndex, DamageRulesNothingOut) {
  Sample sample(6, 40);
  const std::string good = sample.store.objects["s"];
  const auto footer = SegmentFooter::decode(good.substr(good.size() - SegmentFooter::kBytes), good.size()).value();
  const uint64_t begin = footer.sections[kIdTableSection].offset;
  const uint64_t end = footer.sections[kStreamSection].offset;
  ASSERT_GT(end - begin, 2000u);
  uint64_t noticed = 0;
  for (uint64_t at = begin; at < end; at += 5) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    sample.store.objects["s"] = bad;
    sample.reopen();
    ReadStats stats;
    for (uint32_t b = 0; b < 6; ++b) {
      const uint64_t n = b * 100000ull + at % 40;
      for (const std::string& needle :
           {hex_id(n, 32), hex_id(n + 5'000'000'000, 32), fmt::format(" \"word{}q said nothing", n).substr(1)}) {
        const auto may = sample.segment->blocks()[b]->may_hold(TextProbe::substring(needle), &stats);
        ASSERT_TRUE(may.ok() && *may) << "byte " << at << ", block " << b << ", " << needle;
      }
    }
    noticed += stats.index_damages > 0;
  }
  EXPECT_GT(noticed, 0u);
}

TEST(SegmentIndex, BlocksWithoutIndexAreNeverRuledOut) {
  Rows rows;
  rows.add("a line");
  BlockBuilder builder({});
  const EncodedBlock block = builder.build(rows.input());
  SpilledBlock with = samples::spill(block);
  SpilledBlock without = with;
  without.index_bytes = 0;
  MemoryStore store;
  const auto meta = write_segment(store, "s", "n", 1, {without, with});
  ASSERT_TRUE(meta.ok());
  const auto segment = Segment::open(store, *meta).value();
  ReadStats stats;
  EXPECT_TRUE(segment->blocks()[0]->may_hold(TextProbe::substring("deadlock"), &stats).value());
  EXPECT_FALSE(segment->blocks()[1]->may_hold(TextProbe::substring("deadlock"), &stats).value());
  SpilledBlock damaged = with;
  damaged.index_offset -= 1;
  EXPECT_FALSE(write_segment(store, "t", "n", 1, {damaged}).ok());
}

/// The index of one block, spilled.
struct SpilledSample {
  Rows rows;
  EncodedBlock block;
  std::string bytes;  ///< what lies on disk, behind something else
  std::shared_ptr<const SpilledIndex> index;

  explicit SpilledSample(uint32_t lines) {
    for (uint32_t i = 0; i < lines; ++i) {
      rows.add(fmt::format(R"({{"trace_id":"{}","msg":"word{}q said PX-7781"}})", hex_id(i, 32), i), i, 0, {});
    }
    BlockBuilder builder({});
    block = builder.build(rows.input());
    bytes = "before" + block.index;
    index = SpilledIndex::make(block.index, memory_source(bytes), 6).value();
  }
};

TEST(SpilledIndex, AnswersAsASegmentDoes) {
  const uint32_t kLines = 5000;  // several pieces of ids
  const SpilledSample sample(kLines);
  ReadStats stats;
  const auto may = [&](const TextProbe& probe) { return sample.index->may_hold(probe, &stats); };
  for (uint32_t i = 0; i < kLines; ++i) {
    ASSERT_TRUE(may(TextProbe::substring(hex_id(i, 32)))) << i;
    ASSERT_TRUE(may(TextProbe::value(hex_id(i, 32)))) << i;
  }
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < 5000; ++i) wrong += may(TextProbe::substring(hex_id(kLines + i, 32))) ? 1u : 0u;
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(may(TextProbe::substring("PX-77")));
  EXPECT_FALSE(may(TextProbe::substring("PY-77")));
  EXPECT_TRUE(may(TextProbe::substring("\"word17q said")));
  EXPECT_FALSE(may(TextProbe::substring("\"word17r said")));
  EXPECT_FALSE(may(TextProbe::substring("deadlock")));
  EXPECT_EQ(stats.index_damages, 0u);

  ReadStats one;
  EXPECT_TRUE(sample.index->may_hold(TextProbe::substring(hex_id(7, 32)), &one));
  EXPECT_EQ(one.index_reads, 1u);
  EXPECT_LE(one.index_bytes, 4096u);
}

TEST(SpilledIndex, DamageRulesNothingOut) {
  SpilledSample sample(3000);
  const auto header = check_block_index(sample.block.index).value();
  for (const uint64_t at : {header.ids_offset() + 3, header.filters_offset() + 40}) {
    std::string bad = sample.bytes;
    for (size_t i = 6 + at; i < bad.size(); i += 64) bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto index = SpilledIndex::make(sample.block.index, memory_source(bad), 6).value();
    ReadStats stats;
    EXPECT_TRUE(index->may_hold(TextProbe::substring(" deadlock "), &stats));
    EXPECT_GT(stats.index_damages, 0u);
  }
  std::string bad = sample.bytes;
  for (size_t i = 6 + header.ids_offset(); i < bad.size(); i += 600) bad[i] = static_cast<char>(bad[i] ^ 1);
  const auto index = SpilledIndex::make(sample.block.index, memory_source(bad), 6).value();
  ReadStats stats;
  for (uint32_t i = 0; i < 3000; ++i) ASSERT_TRUE(index->may_hold(TextProbe::substring(hex_id(i, 32)), &stats)) << i;
  EXPECT_GT(stats.index_damages, 0u);
  const auto gone = SpilledIndex::make(sample.block.index, memory_source("before"), 6).value();
  EXPECT_TRUE(gone->may_hold(TextProbe::substring(hex_id(7, 32)), &stats));
  EXPECT_TRUE(gone->may_hold(TextProbe::substring(" deadlock "), &stats));
  bad = sample.block.index;
  bad[30] = static_cast<char>(bad[30] ^ 1);
  EXPECT_FALSE(SpilledIndex::make(bad, memory_source(bad), 0).ok());
}

}  // namespace
}  // namespace cordwood
