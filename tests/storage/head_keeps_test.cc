// SPDX-License-Identifier: Apache-2.0
// What a head block keeps for the next query: lines as shapes and cells, and what was searched for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "storage/head_source.h"

namespace cordwood {
namespace {

class HeadKeepsTest : public testing::Test {
 protected:
  explicit HeadKeepsTest(uint64_t cache_bytes = 64u << 20) : memory_(limits(cache_bytes)) { make(0); }
  static MemoryAccountant::Limits limits(uint64_t cache_bytes) {
    MemoryAccountant::Limits limits;
    limits.bytes[static_cast<size_t>(MemoryShare::cache)] = cache_bytes;
    return limits;
  }
  void make(uint32_t keeps_from_rows) {
    block_ = std::make_shared<HeadBlock>("t", memory_, keeps_from_rows);
    block_->add_stream(Stream::make("t", StreamKind::log, Labels::from_pairs({{"app", "x"}})));
  }
  void append(std::string_view line) {
    HeadRow row;
    row.time_ns = ++time_ns_;
    row.line_data = line.data();
    row.line_bytes = static_cast<uint32_t>(line.size());
    ASSERT_TRUE(block_->append(row, static_cast<uint64_t>(time_ns_)));
  }
  HeadPrefix prefix() const {
    return {block_, block_->row_count(), block_->stream_count(), block_->raw_bytes(), block_->arrival_max()};
  }
  std::unique_ptr<BlockView> open() const { return *make_head_source(prefix())->open(nullptr); }
  uint64_t kept_bytes() const { return memory_.used(MemoryShare::cache); }
  /// The line made of its shape and cells, or "raw".
  static std::string rendered(BlockView& view, uint32_t row) {
    const Shape* const shape = *view.shape(row);
    if (shape == nullptr) return "raw";
    std::vector<std::string_view> cells;
    std::string scratch;
    for (const ShapeSlot& slot : shape->slots) cells.push_back(*view.cell(row, slot, &scratch));
    std::string line;
    render_shape(*shape, cells, &line);
    return line;
  }
  static uint32_t found(BlockView& view, TextNeedle needle) {
    return view.rows_with_text(needle, TextPlace::line)->count();
  }

  MemoryAccountant memory_;
  std::shared_ptr<HeadBlock> block_;
  int64_t time_ns_ = 0;
};

struct HeadShredsTest : HeadKeepsTest {};
struct HeadSearchesTest : HeadKeepsTest {};
struct HeadShredsFullTest : HeadKeepsTest {
  HeadShredsFullTest() : HeadKeepsTest(200'000) {}
};

TEST_F(HeadShredsTest, LinesAreTheirShapesAndCells) {
  const std::vector<std::string> lines = {
      R"({"a":1,"b":{"c":"x\"y","d":[1,2]},"e":null})",
      R"( {"a" : -5 , "b":{"c":"","d":[]},"e":true} )",
      R"({})",
      R"(level=info msg="a b" took=5ms)",
      R"(level= msg="" took=)",
      std::string(R"({"long":")") + std::string(70'000, 'x') + R"(","a":1})",
      "just text 17",
      R"({"a":1)",
      "",
  };
  for (const std::string& line : lines) append(line);
  const auto view = open();
  for (uint32_t row = 0; row < lines.size(); ++row) {
    EXPECT_EQ(rendered(*view, row), row < 5 ? lines[row] : "raw") << lines[row].substr(0, 80);
  }
  EXPECT_EQ((*view->shape(0))->form, LineForm::json);
  EXPECT_EQ((*view->shape(3))->form, LineForm::logfmt);
  const Shape& shape = **view->shape(0);
  EXPECT_THAT(shape.slots[1].path, testing::ElementsAre("b", "c"));
  EXPECT_EQ(*view->integer_cell(0, shape.slots[0]), 1);
  EXPECT_EQ(*view->integer_cell(0, shape.slots[1]), std::nullopt);
  EXPECT_GT(kept_bytes(), 0u);
  block_.reset();
  EXPECT_GT(kept_bytes(), 0u) << "the view needs them";
}

/// Views of a shorter prefix go on reading while there are more rows and more shapes.
TEST_F(HeadShredsTest, GrowWithTheBlock) {
  std::mt19937 random(3);
  std::vector<std::string> lines;
  std::vector<std::unique_ptr<BlockView>> views;
  for (int i = 0; i < 3000; ++i) {
    lines.push_back(fmt::format(R"({{"k{}":{},"m":"{}"}})", random() % 60, random() % 1000, random() % 7));
    append(lines.back());
    if (i % 300 == 7) {
      views.push_back(open());
      ASSERT_EQ(rendered(*views.back(), 3), lines[3]);
    }
  }
  for (const auto& view : views) {
    for (uint32_t row = 0; row < view->row_count(); ++row) ASSERT_EQ(rendered(*view, row), lines[row]);
  }
}

TEST_F(HeadShredsFullTest, BeyondTheRoomLinesAreRaw) {
  const auto line = [](int i) { return fmt::format(R"({{"a":{},"b":{},"c":{}}})", i, i, i); };
  for (int i = 0; i < 1000; ++i) append(line(i));
  const auto early = open();
  EXPECT_EQ(rendered(*early, 999), line(999));
  for (int i = 1000; i < 20'000; ++i) append(line(i));
  const auto late = open();
  EXPECT_EQ(rendered(*late, 1000), line(1000));
  EXPECT_EQ(rendered(*late, 19'999), "raw");
  EXPECT_LE(kept_bytes(), 200'000u);
}

TEST_F(HeadKeepsTest, SmallBlocksKeepNothing) {
  make(5);
  for (int i = 0; i < 4; ++i) append(fmt::format(R"({{"a":{}}})", i));
  auto view = open();
  EXPECT_EQ(rendered(*view, 0), "raw");
  EXPECT_EQ(found(*view, "a"), 4u);
  append(R"({"a":4})");
  view = open();
  EXPECT_EQ(rendered(*view, 0), R"({"a":0})");
  EXPECT_EQ(found(*view, "a"), 5u);
}

TEST_F(HeadSearchesTest, OnlyWhatCameSinceIsSearched) {
  const auto old = [this] {
    for (int i = 0; i < 100; ++i) append(i % 10 == 0 ? "A needle" : fmt::format("hay {}", i));
    return open();
  }();
  EXPECT_EQ(found(*old, "needle"), 10u);
  EXPECT_EQ(found(*old, {"a needle", true}), 10u);
  EXPECT_EQ(found(*old, "a needle"), 0u) << "folded and not are two needles";
  for (int i = 0; i < 50; ++i) append(i % 10 == 3 ? "another needle" : fmt::format("more hay {}", i));
  const auto now = open();
  EXPECT_EQ(found(*now, "needle"), 15u);
  EXPECT_EQ(found(*now, "hay 1"), 10u + 10u);
  EXPECT_EQ(found(*old, "needle"), 10u) << "the rows of its prefix alone";
  EXPECT_EQ(found(*now, "needle"), 15u);
  EXPECT_EQ(found(*old, "hay 1"), 10u);
}

TEST_F(HeadSearchesTest, NeedlesGoThatWereAskedForLongestAgo) {
  for (int i = 0; i < 100; ++i) append("line " + std::to_string(i));
  for (int round = 0; round < 3; ++round) {
    const auto view = open();
    for (int i = 0; i < 100; ++i) {
      const uint32_t want = i > 0 && i < 10 ? 11 : 1;  // "line 1" is in "line 10" to "line 19", too
      ASSERT_EQ(found(*view, fmt::format("line {}", i)), want) << i;
    }
    append(fmt::format("round {}", round));
  }
}

}  // namespace
}  // namespace cordwood
