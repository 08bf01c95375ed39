// SPDX-License-Identifier: Apache-2.0
#include "storage/id_list.h"

#include <gtest/gtest.h>

#include "storage/id_collector.h"
#include "storage/id_list_choice.h"
#include "storage/segment_format.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::MemoryStore;
using samples::Rows;

uint64_t scramble(uint64_t i) {
  return (i + 1) * 0x9e3779b97f4a7c15ull ^ (i + 7) * 0xc2b2ae3d27d4eb4full;
}

std::string trace_of(uint64_t n) {
  return fmt::format("{:016x}{:016x}", scramble(n), scramble(n + 1'000'000));
}

std::string uuid_of(uint64_t n) {
  const std::string hex = trace_of(n);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

/// Traces stand once in each block; spans in one row of all.  UUIDs share the list of the traces.
Rows rows_of(int block, int count) {
  Rows rows(2);
  for (int i = 0; i < count; ++i) {
    const auto trace = static_cast<uint64_t>(i + block % 2);
    const auto span = static_cast<uint64_t>(10'000'000 + block * 100'000 + i);
    std::string line =
        i % 50 == 9 ? fmt::format(R"({{"trace":"none","n":{}}})", i)
                    : fmt::format(R"({{"trace":"{}","span":"{:016x}","n":{}}})", trace_of(trace), scramble(span), i);
    rows.add(std::move(line), 1000 * (i % (count / 2)) + block, i < count / 2 ? 0 : 1,
             {{"request", uuid_of(trace + 1)}});
  }
  return rows;
}

struct Written {
  MemoryStore store;
  std::vector<Rows> contents;
  SegmentMeta meta;
  std::shared_ptr<const Segment> segment;
};

void write(Written* w, int blocks, int rows) {
  BlockBuilder builder({});
  std::vector<SpilledBlock> spilled;
  for (int b = 0; b < blocks; ++b) {
    w->contents.push_back(rows_of(b, rows));
    spilled.push_back(samples::spill(builder.build(w->contents.back().input())));
  }
  auto meta = write_segment(w->store, "s", "node-1", 3, spilled);
  ASSERT_TRUE(meta.ok()) << meta.error().message;
  w->meta = *meta;
  auto segment = Segment::open(w->store, w->meta);
  ASSERT_TRUE(segment.ok()) << segment.error().message;
  w->segment = *segment;
}

SegmentFooter footer_of(const std::string& bytes) {
  return SegmentFooter::decode(std::string_view(bytes).substr(bytes.size() - SegmentFooter::kBytes), bytes.size())
      .value();
}

IdLists lists_of(const std::string& bytes) {
  const SectionPlace& place = footer_of(bytes).sections[kBlockSection];
  std::string_view index = std::string_view(bytes).substr(place.offset, place.size);
  return IdLists::take(&index).value();
}

TEST(IdLists, IdsOfManyRowsAreKeptOnce) {
  Written w;
  write(&w, 20, 3000);
  const std::string& bytes = w.store.objects["s"];
  EXPECT_NE(footer_of(bytes).features & kFeatureIdLists, 0u);
  const IdLists lists = lists_of(bytes);
  // 20 blocks name the same 3,000 traces, in two columns of 16 bytes; the spans, each once, are not listed.
  ASSERT_EQ(lists.lists.size(), 1u);
  EXPECT_EQ(lists.lists[0].width, 16);
  EXPECT_GE(lists.lists[0].ids, 3000u);
  EXPECT_LE(lists.lists[0].ids, 3003u);
  for (size_t b = 0; b < w.contents.size(); ++b) {
    ReadStats stats;
    auto view = w.segment->blocks()[b]->open(&stats);
    ASSERT_TRUE(view.ok()) << view.error().message;
    samples::expect_same(view->get(), w.contents[b].rows());
    EXPECT_EQ(stats.blocks_opened, 1u);
  }
}

TEST(IdLists, NothingIsListedThatStandsOnce) {
  BlockBuilder builder({});
  Rows rows;
  for (int i = 0; i < 2000; ++i) rows.add(fmt::format(R"({{"id":"{}"}})", trace_of(static_cast<uint64_t>(i))), i);
  MemoryStore store;
  ASSERT_TRUE(write_segment(store, "s", "n", 1, {samples::spill(builder.build(rows.input()))}).ok());
  EXPECT_EQ(footer_of(store.objects["s"]).features & kFeatureIdLists, 0u);
}

TEST(IdLists, SearchFindsWhatRenderingFinds) {
  Written w;
  write(&w, 6, 2000);
  const auto f = [&](const std::string& needle, TextPlace place) {
    size_t rows = 0;
    for (size_t b = 0; b < w.contents.size(); ++b) {
      ReadStats stats;
      auto view = w.segment->blocks()[b]->open(&stats).value();
      const auto found = view->rows_with_text(needle, place);
      ASSERT_TRUE(found.ok()) << found.error().message;
      for (uint32_t row = 0; row < view->row_count(); ++row) {
        const BlockInputRow& want = w.contents[b].rows()[row];
        const std::string_view text = place == TextPlace::line ? want.line : want.metadata[0].value;
        ASSERT_EQ(found->test(row), text.find(needle) != std::string_view::npos) << needle << " in row " << row;
        rows += found->test(row);
      }
    }
    EXPECT_EQ(rows > 0, needle.find("not there") == std::string::npos) << needle;
  };
  f(trace_of(7), TextPlace::line);                          // the id
  f(trace_of(0), TextPlace::line);                          // the first
  f(trace_of(7).substr(3), TextPlace::line);                // its end
  f(trace_of(7).substr(0, 20), TextPlace::line);            // its beginning
  f(":\"" + trace_of(9) + "\",", TextPlace::line);          // with what stands around
  f(uuid_of(9), TextPlace::metadata);                       // through the same list, in another form
  f(uuid_of(9).substr(5, 12), TextPlace::metadata);         // across a dash
  f(trace_of(123'456'789) + "not there", TextPlace::line);  // nowhere
  f("none", TextPlace::line);                               // an exception of the column
}

/// Bytes that note how they are read.
class NotingSource final : public ByteSource {
 public:
  explicit NotingSource(const std::string& bytes) : bytes_(bytes) {}
  Result<std::string> read(uint64_t offset, uint64_t size) const override { return bytes_.substr(offset, size); }
  Result<ObjectBytes> read_near(ObjectRange, ObjectRange around) const override {
    reads.push_back(around);
    return ObjectBytes{.offset = around.offset, .bytes = bytes_.substr(around.offset, around.size)};
  }
  mutable std::vector<ObjectRange> reads;

 private:
  const std::string& bytes_;
};

TEST(IdLists, AListIsReadAtOnceAndLittleElse) {
  BlockBuilder builder({});
  std::vector<SpilledBlock> spilled;
  std::vector<Rows> contents(4);
  for (Rows& rows : contents) {
    for (uint64_t i = 0; i < 6000; ++i) {
      // Few short ids, many long ones: the list of the long ones begins anywhere.
      rows.add(fmt::format(R"({{"a":"{:016x}","b":"{}","c":"{}{}"}})", scramble(i % 900), trace_of(i),
                           trace_of(i + 9'000), trace_of(i + 20'000)),
               static_cast<int64_t>(i));
    }
    spilled.push_back(samples::spill(builder.build(rows.input())));
  }
  MemoryStore store;
  ASSERT_TRUE(write_segment(store, "s", "n", 1, spilled).ok());
  const std::string& bytes = store.objects["s"];
  IdLists lists = lists_of(bytes);
  const auto source = std::make_shared<NotingSource>(bytes);
  lists.source = source;
  ASSERT_EQ(lists.lists.size(), 2u);
  for (uint32_t list = 0; list < lists.lists.size(); ++list) {
    const uint32_t width = lists.lists[list].width;
    const std::string id(width, '?');
    ReadStats stats;
    IdListReader reader(&lists, &stats);
    source->reads.clear();
    const auto number = reader.find(list, id);
    ASSERT_TRUE(number.ok()) << number.error().message;
    EXPECT_FALSE(*number);
    std::string last(width, '\0');
    ASSERT_TRUE(reader.copy(list, lists.lists[list].ids - 1, last.data()).ok());
    ASSERT_TRUE(reader.copy(list, 0, last.data()).ok());
    EXPECT_EQ(source->reads.size(), 1u) << "width " << width;
    EXPECT_LE(source->reads[0].size, 2 * uint64_t{width} * lists.lists[list].ids) << "width " << width;
  }
}

TEST(IdLists, DamageOfAListTakesOnlyItsRows) {
  Written w;
  write(&w, 4, 6000);
  std::string& bytes = w.store.objects["s"];
  const IdLists lists = lists_of(bytes);
  ASSERT_GT(lists.pieces[0].frames.size(), 1u);
  bytes[lists.offset + 5] = static_cast<char>(bytes[lists.offset + 5] ^ 1);  // in the first 1,024 ids
  uint64_t good = 0;
  uint64_t bad = 0;
  for (size_t b = 0; b < w.contents.size(); ++b) {
    ReadStats stats;
    auto view = w.segment->blocks()[b]->open(&stats).value();
    std::string scratch;
    for (uint32_t row = 0; row < view->row_count(); ++row) {
      auto line = view->line(row, &scratch);
      line.ok() ? ++good : ++bad;
      EXPECT_TRUE(!line.ok() || *line == w.contents[b].rows()[row].line);
    }
  }
  EXPECT_GT(good, 0u);
  EXPECT_GT(bad, 0u);
}

TEST(IdLists, WithoutTheirDirectoryListedColumnsFail) {
  Written w;
  write(&w, 3, 2000);
  std::string& bytes = w.store.objects["s"];
  const uint64_t at = footer_of(bytes).sections[kBlockSection].offset + 12;
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  const auto segment = Segment::open(w.store, w.meta);
  ASSERT_TRUE(segment.ok()) << segment.error().message;
  uint64_t errors = 0;
  for (const BlockSourcePtr& source : (*segment)->blocks()) {
    ReadStats stats;
    auto view = source->open(&stats);
    std::string scratch;
    if (!view.ok() || !(*view)->line(1, &scratch).ok()) ++errors;
  }
  EXPECT_GE(errors, 3u);
}

TEST(IdLists, TakesOnlyWhatItCanCount) {
  const auto f = [](const std::function<void(IdLists*)>& change, bool want, uint32_t head_rows = IdLists::kHeadRows) {
    IdLists lists;
    lists.lists.push_back({16, 1500});
    for (const uint32_t width : {14u, 2u}) {
      PieceMeta& piece = lists.pieces.emplace_back();
      piece.heap = true;
      const uint32_t rows = width == 14 ? head_rows : IdLists::kTailRows;
      for (uint32_t first = 0; first < 1500; first += rows) {
        FrameMeta frame;
        frame.first_row = first;
        frame.rows = std::min(rows, 1500 - first);
        frame.raw_bytes = frame.packed_bytes = frame.rows * width;
        piece.frames.push_back(frame);
      }
    }
    change(&lists);
    std::string bytes;
    lists.encode(&bytes);
    bytes += "rest";
    std::string_view index = bytes;
    EXPECT_EQ(IdLists::take(&index).ok(), want);
    EXPECT_EQ(index, "rest");
  };
  f([](IdLists*) {}, true);
  f([](IdLists*) {}, true, 1024);
  f([](IdLists* l) { l->lists[0].ids = 1501; }, false);
  f([](IdLists* l) { l->lists[0].width = 17; }, false);
  f([](IdLists* l) { l->lists[0].width = 2; }, false);
  f([](IdLists* l) { l->pieces[0].frames[0].rows = 1000; }, false);
  f([](IdLists* l) { std::swap(l->pieces[0], l->pieces[1]); }, false);
  f([](IdLists* l) { l->pieces[0].heap = false; }, false);
}

TEST(IdCollector, NumbersByEarliestTime) {
  IdCollector ids(8);
  const std::vector<std::string_view> first = {"aaaaaaaa", "bbbbbbbb", "cccccccc", "aaaaaaaa", "cccccccc"};
  EXPECT_TRUE(ids.add(first, std::vector<int64_t>{30, 20, 40, 10, 50}));
  std::vector<std::string> many;
  std::vector<int64_t> times_ns;
  for (int i = 0; i < 5000; ++i) {
    many.push_back(fmt::format("{:08}", i % 4500));
    times_ns.push_back(1000 - i % 7);
  }
  const std::vector<std::string_view> views(many.begin(), many.end());
  EXPECT_TRUE(ids.add(views, times_ns));
  ids.number();
  EXPECT_EQ(ids.size(), 4503u);
  std::vector<int64_t> numbers;
  ids.find(first, &numbers);
  EXPECT_EQ(numbers, (std::vector<int64_t>{0, 1, 2, 0, 2}));
  EXPECT_EQ(ids.id(2), "cccccccc");
  numbers.clear();
  ids.find(views, &numbers);
  ASSERT_EQ(numbers.size(), views.size());
  for (size_t i = 0; i < views.size(); ++i) EXPECT_EQ(ids.id(static_cast<uint32_t>(numbers[i])), views[i]);
}

}  // namespace
}  // namespace cordwood
