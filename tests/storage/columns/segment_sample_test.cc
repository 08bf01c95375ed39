// SPDX-License-Identifier: Apache-2.0
// A segment as the first version wrote it must stay readable for ever.  Writers may come to choose otherwise, so what
// is written today is not compared with it.
#include <gtest/gtest.h>

#include <set>

#include <fmt/ranges.h>

#include "storage/block_entry.h"
#include "storage/column_text.h"
#include "storage/segment_format.h"
#include "storage/segment_index.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::MemoryStore;
using samples::Rows;

/// As written before there was an index, with one, with id lists, with an id table whose buckets flow over, and with
/// rendered columns.
constexpr const char* kSamples = "tests/format/";
constexpr const char* kWithoutIndex = "segment-1.0";
constexpr const char* kWithIndex = "segment-1.0-index";
constexpr const char* kWithIdLists = "segment-1.0-ids";
constexpr const char* kWithFlows = "segment-1.0-flows";
constexpr const char* kWithSlices = "segment-1.0-slices";
constexpr const char* kWithTemplates = "segment-1.0-templates";

uint64_t scrambled(uint64_t i) {
  return (i + 1) * 0x9e3779b97f4a7c15ull;
}

std::string json_line(int i, int64_t time_ns) {
  const uint64_t r = scrambled(static_cast<uint64_t>(i));
  std::string time;
  append_timestamp(time_ns / 1000, *make_timestamp_layout('T', '.', 6, "Z"), &time);
  return fmt::format(
      R"({{"ts":"{}","level":"{}","trace":"{:016x}{:016x}","request":"{:08X}-{:04X}-4{:03X}-8{:03X}-{:012X}","ip":"10.0.{}.{}",)"
      R"("n":{},"ms":{:.3f},"user":"u{}","note":"{:x} and {:o}","fixed":true,"list":[1, {}],"deep":{{"rare{}":{}}}}})",
      time, r % 9 == 0 ? "error" : "info", r, scrambled(r), r & 0xffffffff, r >> 48, r & 0xfff, i & 0xfff, r >> 16,
      i % 200, r % 251, i % 50 == 7 ? "null" : std::to_string(i * 13), static_cast<double>(r % 100000) / 1000,
      r % 100000, r, r >> 5, i, i % 27, i);
}

/// Every form, type and odd case there is.
std::vector<Rows> sample_rows() {
  std::vector<Rows> blocks;
  Rows& all = blocks.emplace_back(3);
  for (int i = 0; i < 600; ++i) {
    const int64_t time = int64_t{1'700'000'000'000'000'000} + i * int64_t{123'456'789};
    all.add(json_line(i, time), time, 0,
            {{"trace_id", fmt::format("{:016x}", scrambled(7u + i))}, {"detected_level", "info"}}, 1);
  }
  for (int i = 0; i < 300; ++i) {
    all.add(fmt::format("level=info msg=\"took {} ms\" status={} path=/a/{}", i % 17, 200 + i % 4, i % 9), i * 1000, 1);
    all.add(std::string(static_cast<size_t>(i % 5), '~'), i * 1000 + 5, 1, {{fmt::format("m{}", i % 40), "x"}});
    all.add(fmt::format("Connection from 10.1.2.{} port {} closed after {} s", i % 250, 1024 + i * 7, i % 60),
            i * 1000 + 5, 1);
  }
  all.add("", INT64_MIN, 2);
  all.add("\r\n\xff\xfe raw \x01", -1, 2);
  all.add(std::string(3000, 'z'), 0, 2, {{"a", ""}, {"a", "twice"}});
  all.add("{\"a\":1,\"a\":2}", INT64_MAX, 2);
  Rows& small = blocks.emplace_back();
  small.add("one line", 5);
  return blocks;
}

/// Ids that stand in several blocks, in all spellings that are binary.
std::vector<Rows> sample_rows_with_ids() {
  std::vector<Rows> blocks;
  for (int b = 0; b < 3; ++b) {
    Rows& rows = blocks.emplace_back(2);
    for (int i = 0; i < 400; ++i) {
      const uint64_t r = scrambled(static_cast<uint64_t>(i + b));
      const std::string id = i == 17 ? "-" : fmt::format("{:016x}{:016x}", r, scrambled(r));
      rows.add(fmt::format(R"({{"trace_id":"{}","span":"{:016X}"}})", id, r), i * 1000 + b, i / 200,
               {{"request", fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", r & 0xffffffff, r >> 48, r & 0xfff,
                                        r >> 8 & 0xfff, r >> 16)}});
    }
  }
  return blocks;
}

/// Messages that tell the fields beside them.
std::vector<Rows> sample_rows_with_messages() {
  std::vector<Rows> blocks;
  Rows& rows = blocks.emplace_back();
  for (int i = 0; i < 500; ++i) {
    const uint64_t r = scrambled(static_cast<uint64_t>(i));
    const std::string user = fmt::format("user {:x}", r >> 48);
    const std::string text = i % 5 == 0
                                 ? fmt::format(R"(gave up after {} ms: nobody answered {}\n\tat )", r % 977, user)
                                 : fmt::format("answered {}, who asked for {:016x}, after {} ms", user, r, r % 977);
    rows.add(fmt::format(R"({{"user":"{}","ms":{},"span":"{:016x}","msg":"{}"}})", user, r % 977, r, text), i);
  }
  return blocks;
}

std::string segment_today(std::vector<Rows> blocks) {
  BlockBuilderOptions options;
  options.max_shapes = 30;  // some rows are past it
  BlockBuilder builder(options);
  std::vector<SpilledBlock> spilled;
  for (Rows& rows : blocks) spilled.push_back(samples::spill(builder.build(rows.input())));
  MemoryStore store;
  CHECK(write_segment(store, "segments/sample", "sample", 42, spilled).ok(), "sample");
  return store.objects["segments/sample"];
}

void expect_sample(const std::string& bytes, const std::vector<Rows>& want) {
  MemoryStore store;
  store.objects["segments/sample"] = bytes;
  const auto meta = read_segment_meta(store, "segments/sample");
  ASSERT_TRUE(meta.ok()) << meta.error().message;
  EXPECT_EQ(meta->node, "sample");
  EXPECT_EQ(meta->generation, 42u);
  const auto segment = Segment::open(store, *meta);
  ASSERT_TRUE(segment.ok()) << segment.error().message;
  ASSERT_EQ((*segment)->blocks().size(), want.size());
  for (size_t b = 0; b < want.size(); ++b) {
    ReadStats stats;
    const auto view = (*segment)->blocks()[b]->open(&stats);
    ASSERT_TRUE(view.ok()) << view.error().message;
    samples::expect_same(view->get(), want[b].rows());
    uint64_t counted = 0;
    const std::vector<BlockCount> counts = (*segment)->blocks()[b]->counts(0).value();
    for (const BlockCount& c : counts) counted += c.rows;
    EXPECT_EQ(counted, want[b].size());
  }
}

TEST(SegmentSample, TodaysSegmentHasEveryType) {
  const auto all_rows = [] {
    std::vector<Rows> rows = sample_rows();
    rows.push_back(std::move(sample_rows_with_messages()[0]));
    return rows;
  };
  const std::string bytes = segment_today(all_rows());
  expect_sample(bytes, all_rows());
  MemoryStore store;
  store.objects["s"] = bytes;
  const auto footer = SegmentFooter::decode(bytes.substr(bytes.size() - SegmentFooter::kBytes), bytes.size()).value();
  const SectionPlace& place = footer.sections[kBlockSection];
  std::set<std::string_view> types;
  std::set<std::string_view> sources;
  for_each_block_record(std::string_view(bytes).substr(place.offset, place.size), [&](Result<std::string_view> record) {
    const EntryParts parts = decode_entry(BlockRecord::decode(record.value()).value().entry).value();
    const BlockDirectory d = decode_directory(unpack_part(parts.directory).value(), parts.summary).value();
    for (const ColumnMeta& c : d.columns) {
      types.insert(to_string(c.type));
      sources.insert(to_string(c.source));
    }
  });
  EXPECT_EQ(types.size(), kColumnTypes) << fmt::format("{}", fmt::join(types, " "));
  EXPECT_EQ(sources.size(), kColumnSources) << fmt::format("{}", fmt::join(sources, " "));
}

std::string frozen_sample(const std::string& name, std::vector<Rows> blocks) {
  PosixFileSystem fs;
  Result<std::string> frozen = fs.read_all(kSamples + name, 4u << 20);
  if (frozen.ok()) return std::move(frozen).value();
  const std::string path = ::testing::TempDir() + name;
  auto file = fs.open(path, OpenMode::open_or_create);
  EXPECT_TRUE(file.ok() && (*file)->truncate(0).ok() && (*file)->append(segment_today(std::move(blocks))).ok());
  ADD_FAILURE() << kSamples << name << " is missing; what today's version writes is in " << path;
  return "";
}

TEST(SegmentSample, TheFirstVersionsStaysReadable) {
  expect_sample(frozen_sample(kWithoutIndex, sample_rows()), sample_rows());
}

/// What is asked today must be where the index of old has it.
void expect_index(const std::string& bytes) {
  MemoryStore store;
  store.objects["segments/sample"] = bytes;
  const auto meta = read_segment_meta(store, "segments/sample");
  ASSERT_TRUE(meta.ok()) << meta.error().message;
  const auto segment = Segment::open(store, *meta);
  ASSERT_TRUE(segment.ok()) << segment.error().message;
  ReadStats stats;
  const auto f = [&](const TextProbe& probe, bool first, bool second) {
    EXPECT_EQ((*segment)->blocks()[0]->may_hold(probe, &stats).value(), first) << probe.text();
    EXPECT_EQ((*segment)->blocks()[1]->may_hold(probe, &stats).value(), second) << probe.text();
  };
  for (int i = 0; i < 600; ++i) {
    const uint64_t r = scrambled(static_cast<uint64_t>(i));
    f(TextProbe::substring(fmt::format("\"{:016x}{:016x}\"", r, scrambled(r))), true, false);
    f(TextProbe::substring(
          fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", r & 0xffffffff, r >> 48, r & 0xfff, i & 0xfff, r >> 16)),
      true, false);
    f(TextProbe::value(fmt::format("{:016x}", scrambled(7u + i))), true, false);
    f(TextProbe::substring(fmt::format("\"user\":\"u{}\"", r % 100000)), true, false);
  }
  f(TextProbe::substring("onnectio"), true, false);
  f(TextProbe::substring("one line"), false, true);
  f(TextProbe::substring("0123456789abcdef0123456789abcdef"), false, false);
  f(TextProbe::substring("deadlock"), false, false);
  EXPECT_EQ(stats.index_damages, 0u);
  // What a merge takes over.
  FilterParts parts((*segment)->index()->filters());
  for (uint32_t block = 0; block < 2; ++block) {
    const auto part = parts.of(block);
    ASSERT_TRUE(part.ok()) << part.error().message;
    EXPECT_EQ(part->filters.size(), part->facts.filter_bytes());
    EXPECT_GT(part->filters.size(), 0u);
  }
}

TEST(SegmentSample, TheIndexStaysReadable) {
  for (const char* name : {kWithIndex, kWithFlows, kWithSlices}) {
    const std::string frozen = frozen_sample(name, sample_rows());
    expect_sample(frozen, sample_rows());
    expect_index(frozen);
  }
  expect_index(segment_today(sample_rows()));
}

TEST(SegmentSample, IdListsStayReadable) {
  const std::string frozen = frozen_sample(kWithIdLists, sample_rows_with_ids());
  const std::string footer = frozen.substr(frozen.size() - SegmentFooter::kBytes);
  EXPECT_NE(SegmentFooter::decode(footer, frozen.size()).value().features & kFeatureIdLists, 0u);
  expect_sample(frozen, sample_rows_with_ids());
}

TEST(SegmentSample, TemplatesStayReadable) {
  const std::string frozen = frozen_sample(kWithTemplates, sample_rows_with_messages());
  const std::string footer = frozen.substr(frozen.size() - SegmentFooter::kBytes);
  EXPECT_NE(SegmentFooter::decode(footer, frozen.size()).value().features & kFeatureRendered, 0u);
  expect_sample(frozen, sample_rows_with_messages());
}

}  // namespace
}  // namespace cordwood
