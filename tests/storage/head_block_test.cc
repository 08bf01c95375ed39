// SPDX-License-Identifier: Apache-2.0
#include "storage/head_block.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "storage/head_source.h"
#include "storage/row_search.h"

namespace cordwood {
namespace {

StreamPtr make_stream(const std::string& app) {
  return Stream::make("t", StreamKind::log, Labels::from_pairs({{"app", app}}));
}

class HeadBlockTest : public testing::Test {
 protected:
  HeadBlockTest() {
    block_->add_stream(make_stream("x"));
    block_->add_stream(make_stream("y"));
  }
  bool append(uint32_t stream, int64_t time_ns, std::string_view line, std::vector<MetadataPair> pairs = {},
              uint16_t derived = 0) {
    HeadRow row;
    row.stream = stream;
    row.time_ns = time_ns;
    row.line_data = line.data();
    row.line_bytes = static_cast<uint32_t>(line.size());
    row.metadata_data = pairs.data();
    row.metadata_count = static_cast<uint16_t>(pairs.size());
    row.derived_count = derived;
    return block_->append(row, ++arrival_);
  }
  HeadPrefix prefix() const {
    return {block_, block_->row_count(), block_->stream_count(), block_->raw_bytes(), block_->arrival_max()};
  }

  MemoryAccountant memory_{{}};
  std::shared_ptr<HeadBlock> block_ = std::make_shared<HeadBlock>("t", memory_);
  uint64_t arrival_ = 0;
};

TEST_F(HeadBlockTest, EqualRowsAreDroppedAndTheFirstStays) {
  EXPECT_TRUE(append(0, 10, "a"));
  EXPECT_FALSE(append(0, 10, "a"));
  EXPECT_TRUE(append(0, 10, "b"));
  EXPECT_TRUE(append(1, 10, "a")) << "another stream";
  EXPECT_TRUE(append(0, 11, "a")) << "another time";
  EXPECT_TRUE(append(0, 9, "a")) << "late, but new";
  EXPECT_FALSE(append(0, 9, "a"));
  EXPECT_FALSE(append(0, 10, "b")) << "older than the newest";
  EXPECT_TRUE(append(0, 12, "m", {{"k", "v"}}));
  EXPECT_FALSE(append(0, 12, "m", {{"k", "v"}}));
  EXPECT_TRUE(append(0, 12, "m", {{"k", "w"}})) << "other metadata";
  EXPECT_FALSE(append(0, 12, "m", {{"k", "w"}, {"detected_level", "info"}}, 1)) << "derived metadata tell nothing";
  EXPECT_EQ(block_->row_count(), 7u);
}

TEST_F(HeadBlockTest, ManyRowsOfOneTimeAreToldApart) {
  constexpr int kRows = 100'000;
  for (int i = 0; i < kRows; ++i) ASSERT_TRUE(append(0, 5, fmt::format("line {}", i)));
  for (int i = 0; i < kRows; i += 97) ASSERT_FALSE(append(0, 5, fmt::format("line {}", i)));
  EXPECT_EQ(block_->row_count(), static_cast<uint32_t>(kRows));
}

/// Lines lie one behind the other, some with metadata between them: no text is found across their ends.
TEST_F(HeadBlockTest, FindsTextInLinesAlone) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 4000; ++i) {
    std::string line;
    for (uint64_t left = random() % (i % 500 == 0 ? 300'000 : 40); left > 0; --left) {
      line += static_cast<char>((random() % 4 == 0 ? 'A' : 'a') + random() % 3);
    }
    std::vector<MetadataPair> pairs;
    if (random() % 3 == 0) pairs.push_back({"k", i % 2 == 0 ? "abcab" : "cabca"});
    append(static_cast<uint32_t>(random() % 2), static_cast<int64_t>(random() % 1000), line, pairs);
  }
  const BlockSourcePtr source = make_head_source(prefix());
  const auto view = *source->open(nullptr);
  uint32_t found = 0;
  for (const std::string_view text : {"a", "ab", "cab", "abcab", "aCb", "abcabcab", "zz", ""}) {
    for (const TextPlace place : {TextPlace::line, TextPlace::metadata}) {
      for (const bool folded : {false, true}) {
        if (folded && text == "aCb") continue;  // has a capital letter
        const RowBits rows = *view->rows_with_text({text, folded}, place);
        const RowBits want = *search_rendered(*view, {text, folded}, place);
        for (uint32_t row = 0; row < rows.rows(); ++row) ASSERT_EQ(rows.test(row), want.test(row)) << text << row;
        found += rows.count();
      }
    }
  }
  EXPECT_GT(found, 10'000u);
}

TEST_F(HeadBlockTest, APrefixDoesNotSeeLaterRows) {
  append(1, 20, "late stream first");
  append(0, 30, "c");
  append(0, 10, "a");
  const BlockSourcePtr early = make_head_source(prefix());
  append(0, 20, "b");
  append(0, 20, "b2");
  const BlockSourcePtr all = make_head_source(prefix());

  const auto lines_of = [](const BlockSource& source) {
    auto view = source.open(nullptr);
    std::vector<std::string> lines;
    std::string scratch;
    for (const StreamRun& run : (*view)->runs()) {
      for (uint32_t i = run.row_begin; i < run.row_end; ++i) {
        lines.push_back(fmt::format("{}:{}:{}", (*view)->stream(run.stream)->labels.get("app"), (*(*view)->times())[i],
                                    *(*view)->line(i, &scratch)));
      }
    }
    return lines;
  };
  EXPECT_EQ(lines_of(*early), (std::vector<std::string>{"x:10:a", "x:30:c", "y:20:late stream first"}));
  EXPECT_EQ(lines_of(*all),
            (std::vector<std::string>{"x:10:a", "x:20:b", "x:20:b2", "x:30:c", "y:20:late stream first"}));
  EXPECT_EQ(early->info().rows, 3u);
  EXPECT_EQ(early->info().streams[0].time_max_ns, 30);
  EXPECT_EQ(early->info().arrival_max, 3u);
  EXPECT_EQ(all->info().arrival_max, 5u);
  EXPECT_EQ(all->info().streams[0].rows, 4u);
  EXPECT_EQ(all->info().time_min_ns, 10);
}

TEST_F(HeadBlockTest, MetadataComeBackAndMemoryIsCounted) {
  append(0, 1, "l", {{"a", "1"}, {"b", "2"}, {"detected_level", "warn"}}, 1);
  append(0, 2, "l", {{"a", "3"}}, 0);
  const auto view = make_head_source(prefix())->open(nullptr);
  EXPECT_EQ(*(*view)->metadata_value(0, "b"), "2");
  EXPECT_EQ(*(*view)->metadata_value(1, "b"), std::nullopt);
  EXPECT_EQ(*(*view)->derived_metadata_count(0), 1u);
  std::vector<MetadataPair> pairs;
  ASSERT_TRUE((*view)->metadata(0, &pairs).ok());
  EXPECT_EQ(pairs, (std::vector<MetadataPair>{{"a", "1"}, {"b", "2"}, {"detected_level", "warn"}}));
  EXPECT_GE(memory_.used(MemoryShare::head), block_->raw_bytes());
  EXPECT_EQ(memory_.used(MemoryShare::head), block_->memory_bytes());
}

TEST_F(HeadBlockTest, RowsShareTheMetadataOfThoseBefore) {
  const auto pairs_of = [this](uint32_t row) { return block_->row(row).metadata_data; };
  auto append_level = [this, time_ns = 0](uint32_t stream, const std::string& level) mutable {
    ASSERT_TRUE(append(stream, ++time_ns, "a", {{"env", "prod"}, {"detected_level", level}}, 1));
  };
  for (const char* level : {"info", "warn", "error", "debug", "warn", "info", "info", "debug", "error"}) {
    append_level(0, level);
  }
  EXPECT_EQ(pairs_of(4), pairs_of(1));
  EXPECT_EQ(pairs_of(5), pairs_of(0));
  EXPECT_EQ(pairs_of(6), pairs_of(0));
  EXPECT_EQ(pairs_of(7), pairs_of(3));
  EXPECT_EQ(pairs_of(8), pairs_of(2));
  append_level(1, "info");
  EXPECT_NE(pairs_of(9), pairs_of(0)) << "of another stream";
  for (const char* level : {"1", "2", "3", "4", "error"}) append_level(0, level);
  EXPECT_NE(pairs_of(14), pairs_of(2)) << "four others have come since";
  ASSERT_TRUE(append(0, 100, "a", {{"env", "prod"}}));
  append_level(0, "4");
  EXPECT_EQ(pairs_of(16), pairs_of(13)) << "with a row of its own kind between";
  for (const uint32_t row : {2u, 8u, 14u}) EXPECT_EQ(block_->row(row).metadata()[1].value, "error");
}

TEST_F(HeadBlockTest, CountsAreThoseOfThePrefix) {
  constexpr int64_t kSecond = 1'000'000'000;
  const auto counts_of = [](const HeadPrefix& prefix) {
    const BlockSourcePtr source = make_head_source(prefix);
    EXPECT_EQ(source->count_widths_ns().size(), 1u);
    std::map<std::tuple<uint32_t, int64_t, std::string>, std::pair<uint64_t, uint64_t>> out;
    const auto counts = source->counts(0);
    for (const BlockCount& count : *counts) {
      auto& sums = out[{count.stream, count.bucket, std::string(count.level)}];
      sums.first += count.rows;
      sums.second += count.line_bytes;
    }
    return out;
  };
  append(0, 5 * kSecond, "ab", {{"detected_level", "info"}}, 1);
  append(1, 5 * kSecond + 1, "c");
  const HeadPrefix before = prefix();
  append(0, 4 * kSecond, "def", {{"detected_level", "info"}}, 1);
  append(0, 5 * kSecond + 1, "g", {{"detected_level", "warn"}}, 1);
  using Key = std::tuple<uint32_t, int64_t, std::string>;
  const auto now = counts_of(prefix());
  EXPECT_EQ(now.size(), 3u);
  EXPECT_EQ(now.at(Key(0, 1, "info")), std::pair(uint64_t{2}, uint64_t{5})) << "a bucket holds its end";
  EXPECT_EQ(now.at(Key(0, 2, "warn")), std::pair(uint64_t{1}, uint64_t{1}));
  EXPECT_EQ(now.at(Key(1, 2, "")), std::pair(uint64_t{1}, uint64_t{1}));
  EXPECT_TRUE(make_head_source(before)->may_have_metadata("detected_level"));
  EXPECT_FALSE(make_head_source(before)->may_have_metadata("level"));
  const auto then = counts_of(before);
  EXPECT_EQ(then.size(), 2u);
  EXPECT_EQ(then.at(Key(0, 1, "info")), std::pair(uint64_t{1}, uint64_t{2}));
  for (int64_t i = 0; i < 5000; ++i) append(0, i * 10 * kSecond, "far apart");
  EXPECT_TRUE(make_head_source(prefix())->count_widths_ns().empty()) << "a table would be as long as the rows";
}

}  // namespace
}  // namespace cordwood
