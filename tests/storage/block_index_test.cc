// SPDX-License-Identifier: Apache-2.0
// The structures of the index one by one, and what a segment with them answers and reads.
#include "storage/block_index.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/bloom_filter.h"
#include "storage/segment_index.h"
#include "storage/spilled_index.h"
#include "storage/text_tokens.h"
#include "tests/storage/id_samples.h"

namespace cordwood {
namespace {

using samples::hex_id;
using samples::MemoryStore;
using samples::Rows;

TEST(TextTokens, WhatIsListed) {
  const auto f = [](std::string_view token, bool want) { EXPECT_EQ(is_listed_token(token), want) << token; };
  f("deadlock", true);
  f("12345", false);
  f("123456", true);
  f("01T12", false);
  f("123456Z", false);
  f("123456Zx", true);
  f("0123456789abcdef", false);
  f("0123456789ABCDEF0123456789abcdef", false);
  f("0123456789abcdeg", true);
  f("0123456789abcde", true);
  f("T12", true);
  f("12T", true);
}

TEST(TextTokens, Uuids) {
  const auto f = [](std::string_view text, std::string_view want) {
    UuidPlace place;
    const bool found = find_uuid(text, text.find('-'), &place);
    ASSERT_EQ(found, !want.empty()) << text;
    if (found) {
      EXPECT_EQ(text.substr(place.begin, place.end - place.begin), want);
    }
  };
  f("id=01234567-89ab-cdef-0123-456789abcdef.", "01234567-89ab-cdef-0123-456789abcdef");
  f("a01234567-89ab-cdef-0123-456789abcdef0", "a01234567-89ab-cdef-0123-456789abcdef0");
  f("1234567-89ab-cdef-0123-456789abcdef", "");
  f("01234567-89ab-cdef-0123-456789abcde", "");
  f("01234567-89ab-cdeg-0123-456789abcdef", "");
  EXPECT_EQ(id_hash("01234567-89ab-cdef-0123-456789abcdef"), id_hash("0123456789ABCDEF0123456789abcdef"));
  EXPECT_NE(id_hash("0123456789abcdef"), id_hash("0123456789abcdee"));
  EXPECT_EQ(id_hash("0123456789abcdef"), id_hash("00000000000000000123456789abcdef"));
  EXPECT_EQ(id_hash("0123456789abcdef"), id_hash("00000000-0000-0000-0123-456789abcdef"));
  EXPECT_NE(id_hash("0123456789abcdef"), id_hash("00000000000000010123456789abcdef"));
  EXPECT_NE(id_hash("0123456789abcdef"), id_hash("0123456789abcdef0000000000000000"));
  EXPECT_NE(old_id_hash("0123456789abcdef"), old_id_hash("00000000000000000123456789abcdef"));
}

TEST(TextTokens, Joints) {
  const auto joint = [](std::string_view text) { return joint_at(text, text.find('-')); };
  EXPECT_NE(joint("PX-7781"), 0u);
  EXPECT_EQ(joint("PX-7781"), joint("a px-01b"));
  EXPECT_NE(joint("PX-7781"), joint("PY-7781"));
  EXPECT_NE(joint("PX-7781"), joint("77-px"));
  EXPECT_NE(joint("x1-ab"), 0u);
  // Dates and pieces of UUIDs, too little on a side, none at all, and bytes that may fold to others.
  for (const std::string_view none :
       {"11-22", "aF-09", "X-77", "PX-7", "PX-", "-PX", "P -77", "PX--7", "\xc3\xa9-77"}) {
    EXPECT_EQ(joint(none), 0u) << none;
  }
}

TEST(BloomFilter, HoldsItsKeysAndFewOthers) {
  std::mt19937_64 random(7);
  for (const size_t keys : {size_t{1}, size_t{40}, size_t{3000}, size_t{50000}}) {
    std::vector<uint64_t> hashes(keys);
    for (uint64_t& h : hashes) h = random();
    const uint32_t blocks = bloom_blocks_for(keys, 12);
    std::string bytes;
    append_bloom(hashes, blocks, kTokenFilter, &bytes);
    ASSERT_EQ(bytes.size(), bloom_bytes(blocks));
    const auto holds = [&](uint64_t hash) {
      const BloomPlace place = bloom_place(hash, blocks);
      const std::string_view page =
          std::string_view(bytes).substr(bloom_page_offset(place.page), bloom_page_bytes(place.page, blocks));
      EXPECT_TRUE(check_bloom_page(page, place.page, kTokenFilter).ok());
      return bloom_holds(page, place.block, hash);
    };
    for (const uint64_t h : hashes) ASSERT_TRUE(holds(h));
    uint64_t wrong = 0;
    for (int i = 0; i < 20000; ++i) wrong += holds(random());
    EXPECT_LT(wrong, 400u) << keys;  // 2 %; measured 0.5 %
  }
}

TEST(BloomFilter, DamagedPagesAreNoticed) {
  std::string page;
  append_bloom(std::vector<uint64_t>{1, 2, 3}, 2, kGramFilter, &page);
  EXPECT_TRUE(check_bloom_page(page, 0, kGramFilter).ok());
  EXPECT_FALSE(check_bloom_page(page, 0, kTokenFilter).ok());
  EXPECT_FALSE(check_bloom_page(page, 1, kGramFilter).ok());
  EXPECT_FALSE(check_bloom_page("abc", 0, kGramFilter).ok());
  for (size_t i = 0; i < page.size(); ++i) {
    std::string bad = page;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_FALSE(check_bloom_page(bad, 0, kGramFilter).ok()) << i;
  }
}

TEST(IdTable, BucketsGiveTheirGroupsBack) {
  IdTableShape shape;
  shape.hash_bits = 48;
  shape.block_bits = 7;
  shape.buckets = 3;
  IdBucketWriter writer(shape);
  std::vector<uint32_t> many;
  for (uint32_t i = 0; i <= IdTableShape::kCommonBlocks; ++i) many.push_back(i);
  const uint64_t base = uint64_t{1} << 30;
  ASSERT_TRUE(writer.add(base, {1, 3, 100}));
  ASSERT_TRUE(writer.add(base, {2}));
  ASSERT_TRUE(writer.add(base + 9, many));
  uint32_t added = 0;
  while (writer.add(base + 1000 + added * 500'000ull, {added % 100})) ++added;
  EXPECT_GT(added, 120u);
  const std::string bucket = writer.finish(2);
  ASSERT_EQ(bucket.size(), IdTableShape::kBucketBytes);
  const auto f = [&](uint64_t place, const std::vector<uint32_t>& want, bool anywhere) {
    IdMatch match;
    ASSERT_TRUE(search_id_bucket(bucket, 2, place, shape, &match).ok());
    EXPECT_EQ(match.blocks, want) << place;
    EXPECT_EQ(match.anywhere, anywhere) << place;
  };
  f(base, {1, 3, 100, 2}, false);
  f(base + 9, {}, true);
  f(base + 1000, {0}, false);
  f(base + 1000 + (added - 1) * 500'000ull, {(added - 1) % 100}, false);
  f(base + 1000 + added * 500'000ull, {}, false);
  f(base + 6, {}, false);
  f(0, {}, false);
  IdMatch match;
  EXPECT_FALSE(search_id_bucket(bucket, 1, base, shape, &match).ok());
  // The writer begins anew.
  ASSERT_TRUE(writer.add(5, {1}));
  writer.flood();
  const std::string flooded = writer.finish(0);
  ASSERT_TRUE(search_id_bucket(flooded, 0, 77, shape, &match).ok());
  EXPECT_TRUE(match.anywhere);
}

TEST(IdTable, ShapesAreReadAsTheyWereWritten) {
  IdTableShape shape;
  shape.hash_bits = 40;
  shape.block_bits = 9;
  shape.buckets = 1000;
  shape.overflow = 3;
  shape.reach = 4;
  shape.ids = 70'000;
  shape.entries = 123'456;
  std::string bytes;
  shape.encode(&bytes);
  ByteReader in(bytes);
  const auto read = IdTableShape::decode(&in);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(in.remaining(), 0u);
  std::string again;
  read->encode(&again);
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(read->bytes(), shape.bytes());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    EXPECT_EQ(IdTableShape::decode(&cut).error().kind, ErrorKind::corrupt) << size;
  }
  const auto refused = [](std::string_view damaged) {
    ByteReader damaged_in(damaged);
    return !IdTableShape::decode(&damaged_in).ok();
  };
  std::string wrong = bytes;
  wrong[0] = 3;
  EXPECT_TRUE(refused(wrong)) << "a version of tomorrow";
  shape.reach = IdTableShape::kMaxReach + 1;
  wrong.clear();
  shape.encode(&wrong);
  EXPECT_TRUE(refused(wrong)) << "out of range";
}

TEST(IdTable, BucketsAreSearchedTogether) {
  IdTableShape shape;
  shape.hash_bits = 40;
  shape.block_bits = 7;
  shape.buckets = 8;
  shape.overflow = 1;
  shape.reach = 3;
  EXPECT_EQ(id_buckets(2, shape).count, 3u);
  EXPECT_EQ(id_buckets(7, shape).count, 2u) << "no more than there are";
  IdBucketWriter writer(shape);
  const uint64_t place = (uint64_t{7} << shape.remainder_bits) + 5;
  ASSERT_TRUE(writer.add(place, {1}));
  std::string bytes = writer.finish(7);
  ASSERT_TRUE(writer.add(place, {2}));
  bytes += writer.finish(8);
  IdMatch match;
  const IdBuckets buckets = id_buckets(id_bucket(place, shape), shape);
  ASSERT_TRUE(search_id_buckets(bytes, buckets, place, shape, &match).ok());
  EXPECT_EQ(match.blocks, (std::vector<uint32_t>{1, 2}));
  EXPECT_FALSE(search_id_buckets(std::string_view(bytes).substr(1), buckets, place, shape, &match).ok());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_FALSE(search_id_buckets(bytes, buckets, place, shape, &match).ok()) << "the last one is damaged";
}

TEST(IdTable, PlacesAscendWithHashes) {
  IdTableShape shape;
  for (const int hash_bits : {40, 48}) {
    for (const uint32_t buckets : {1u, 2u, 3u, 1000u, IdTableShape::kMaxBuckets}) {
      shape.hash_bits = static_cast<uint8_t>(hash_bits);
      shape.buckets = buckets;
      uint64_t last = 0;
      for (uint64_t i = 0; i < 1000; ++i) {
        const uint64_t place = id_place(i * (UINT64_MAX / 999), shape);
        EXPECT_GE(place, last);
        EXPECT_LT(id_bucket(place, shape), buckets);
        last = place;
      }
      EXPECT_EQ(id_bucket(last, shape), buckets - 1);
    }
  }
}

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
  for (int i = 0; i < 2; ++i) directory.blocks.push_back({{BlockTextFacts::kIndexed, 0, 0, 0}, 0});
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
