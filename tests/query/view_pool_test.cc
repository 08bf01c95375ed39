// SPDX-License-Identifier: Apache-2.0
// Blocks that one query leaves open for the next.
#include "query/view_pool.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

class ViewPoolTest : public testing::Test {
 protected:
  static constexpr uint32_t kRows = 500;
  void SetUp() override {
    std::mt19937 random(3);
    for (int block = 0; block < 4; ++block) {
      std::string values;
      for (uint32_t i = 0; i < kRows; ++i) {
        ++rows_;
        std::string note(25, ' ');
        for (char& c : note) c = static_cast<char>('a' + random() % 26);  // more than a slim view keeps
        values += fmt::format(R"({}["{}","{{\"n\":{},\"user\":\"u{}\",\"note\":\"{}\"}}"])", i > 0 ? "," : "",
                              kTestStartNs + rows_, rows_ * 7, rows_ % 90, note);
      }
      store_.push_json(R"({"streams":[{"stream":{"app":"a"},"values":[)" + values + "]}]}");
      store_.flush();
    }
    blocks_ = store_.environment().snapshot()->blocks("fake", TimeRange::all());
    ASSERT_EQ(blocks_.size(), 4u);
  }
  uint64_t reused() { return world().metrics.counter("cordwood_query_open_blocks_reused_total", "").value(); }
  uint64_t used() { return world().memory.used(MemoryShare::cache); }
  EngineWorld& world() { return store_.world(); }
  /// Reads all lines.
  ReadStats read(ViewPool::Read* reads, const BlockSourcePtr& block, std::string* first = nullptr) {
    ReadStats stats;
    const RowBits* kept = nullptr;
    auto view = reads->open(block, &stats, &kept);
    EXPECT_TRUE(view.ok());
    EXPECT_EQ(kept, nullptr);
    std::string scratch;
    EXPECT_EQ((*view)->times()->size(), kRows);
    for (uint32_t row = 0; row < kRows; ++row) {
      const auto line = (*view)->line(row, &scratch);
      EXPECT_TRUE(line.ok());
      if (row == 0 && first != nullptr) *first = std::string(*line);
    }
    return stats;
  }

  QueryStore store_;
  uint32_t rows_ = 0;
  std::vector<BlockSourcePtr> blocks_;
};

TEST_F(ViewPoolTest, TheNextQueryUnpacksNothing) {
  ViewPool pool(1u << 20, world().memory, world().metrics);
  std::string first, again;
  ViewPool::Read one(&pool), two(&pool);
  const ReadStats fresh = read(&one, blocks_[0], &first);
  EXPECT_EQ(fresh.blocks_opened, 1u);
  EXPECT_GT(fresh.bytes_unpacked, 0u);
  EXPECT_GT(used(), fresh.bytes_unpacked) << "what is kept is accounted for";
  const ReadStats known = read(&two, blocks_[0], &again);
  EXPECT_EQ(reused(), 1u);
  EXPECT_EQ(known.bytes_unpacked, 0u);
  EXPECT_EQ(known.blocks_opened, 0u);
  EXPECT_EQ(known.lines_rendered, kRows) << "counted for the one that reads";
  EXPECT_EQ(again, first);
}

TEST_F(ViewPoolTest, TwoAtOnceHaveAViewEach) {
  ViewPool pool(1u << 20, world().memory, world().metrics);
  ViewPool::Read one(&pool), two(&pool);
  ReadStats stats;
  const RowBits* kept = nullptr;
  {
    const auto a = one.open(blocks_[0], &stats, &kept), b = two.open(blocks_[0], &stats, &kept);
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_NE(a->get(), b->get());
  }
  EXPECT_EQ(reused(), 0u);
  const auto a = one.open(blocks_[0], &stats, &kept), b = two.open(blocks_[0], &stats, &kept);
  EXPECT_EQ(reused(), 2u);
}

TEST_F(ViewPoolTest, RoomIsBoundedAndOneQueryLeavesSomeOfIt) {
  uint64_t one_bytes = 0;
  {
    ViewPool pool(1u << 20, world().memory, world().metrics);
    ViewPool::Read reads(&pool);
    read(&reads, blocks_[0]);
    one_bytes = used();
  }
  EXPECT_EQ(used(), 0u) << "given back with the pool";
  ViewPool pool(one_bytes * 9 / 2, world().memory, world().metrics);
  ViewPool::Read greedy(&pool);
  for (int i = 0; i < 4; ++i) {
    for (const BlockSourcePtr& block : blocks_) read(&greedy, block);
  }
  EXPECT_LE(used(), one_bytes * 9 / 2 * 3 / 4 + one_bytes) << "its part of the room, and the view that went beyond it";
  EXPECT_GT(used(), one_bytes);
  const uint64_t before = reused();
  read(&greedy, blocks_[0]);
  EXPECT_EQ(reused(), before) << "nor does it take what others may come back for";
  for (const BlockSourcePtr& block : blocks_) {
    ViewPool::Read reads(&pool);
    read(&reads, block);
    EXPECT_LE(used(), one_bytes * 9 / 2);
  }
  EXPECT_EQ(reused(), before + blocks_.size());

  ViewPool none(0, world().memory, world().metrics);
  ViewPool::Read reads(&none);
  const uint64_t bytes = used();
  read(&reads, blocks_[0]);
  EXPECT_EQ(used(), bytes);
}

TEST_F(ViewPoolTest, FurtherViewsOfAQueryAreKeptSlim) {
  ViewPool pool(1u << 20, world().memory, world().metrics);
  std::vector<std::string> lines(blocks_.size());
  uint64_t one_bytes = 0;
  {
    ViewPool::Read reads(&pool);
    read(&reads, blocks_[0], &lines[0]);
    one_bytes = used();
  }
  ViewPool small(one_bytes * 6, world().memory, world().metrics);
  const uint64_t before = used();
  ViewPool::Read wide(&small), again(&small);
  for (size_t i = 0; i < blocks_.size(); ++i) read(&wide, blocks_[i], &lines[i]);
  EXPECT_LT(used() - before, blocks_.size() * one_bytes);
  const uint64_t reused_before = reused();
  for (size_t i = 0; i < blocks_.size(); ++i) {
    std::string line;
    read(&again, blocks_[i], &line);
    EXPECT_EQ(line, lines[i]);
  }
  EXPECT_EQ(reused(), reused_before + blocks_.size());
}

TEST_F(ViewPoolTest, WhereThereIsNoRoomTheOldestAreMadeSlimBeforeAnyGoes) {
  uint64_t whole_bytes = 0;
  {
    ViewPool pool(1u << 20, world().memory, world().metrics);
    ViewPool::Read reads(&pool);
    read(&reads, blocks_[0]);
    whole_bytes = used();
  }
  const uint64_t room = whole_bytes * 9 / 2;
  ViewPool pool(room, world().memory, world().metrics);
  const auto read_by_turns = [&](size_t queries) {
    for (size_t i = 0; i < queries; ++i) {
      ViewPool::Read reads(&pool);
      read(&reads, blocks_[i % blocks_.size()]);
    }
  };
  read_by_turns(4);
  EXPECT_GT(used(), whole_bytes * 7 / 2);
  // A fifth view: another of a block of which two queries read.
  {
    ViewPool::Read one(&pool), two(&pool);
    ReadStats stats;
    const RowBits* kept = nullptr;
    const auto a = one.open(blocks_[3], &stats, &kept), b = two.open(blocks_[3], &stats, &kept);
    ASSERT_TRUE(a.ok() && b.ok());
    std::string scratch;
    for (uint32_t row = 0; row < kRows; ++row)
      ASSERT_TRUE((*a)->line(row, &scratch).ok() && (*b)->line(row, &scratch).ok());
  }
  EXPECT_LE(used(), room);
  const uint64_t before = reused();
  read_by_turns(4);
  EXPECT_EQ(reused(), before + 4) << "none has gone";
  EXPECT_LE(used(), room);
}

TEST_F(ViewPoolTest, SlimViewsDoNotKeepWholeOnesOut) {
  uint64_t whole_bytes = 0;
  {
    ViewPool pool(1u << 20, world().memory, world().metrics);
    ViewPool::Read reads(&pool);
    read(&reads, blocks_[0]);
    whole_bytes = used();
  }
  ViewPool pool(whole_bytes * 8, world().memory, world().metrics);
  {
    ViewPool::Read one(&pool), two(&pool);
    ReadStats stats;
    const RowBits* kept = nullptr;
    std::vector<Result<ViewPool::View>> views;
    std::string scratch;
    for (size_t i = 0; i < 80; ++i) {
      views.push_back((i % 2 == 0 ? one : two).open(blocks_[2 + i / 2 % 2], &stats, &kept));
      ASSERT_TRUE(views.back().ok());
      for (uint32_t row = 0; row < kRows; ++row) ASSERT_TRUE((*views.back())->line(row, &scratch).ok());
    }
  }
  EXPECT_GT(used(), whole_bytes * 7);
  for (int round = 0; round < 5; ++round) {
    ViewPool::Read one(&pool), two(&pool);
    ReadStats stats;
    const RowBits* kept = nullptr;
    const auto a = one.open(blocks_[0], &stats, &kept), b = two.open(blocks_[1], &stats, &kept);
    ASSERT_TRUE(a.ok() && b.ok());
    std::string scratch;
    for (uint32_t row = 0; row < kRows; ++row)
      ASSERT_TRUE((*a)->line(row, &scratch).ok() && (*b)->line(row, &scratch).ok());
    EXPECT_EQ(stats.bytes_unpacked == 0, round > 0) << round;
    EXPECT_LE(used(), whole_bytes * 8);
  }
}

TEST_F(ViewPoolTest, ColumnsThatNobodyWantedForLongGo) {
  ViewPool pool(1u << 20, world().memory, world().metrics);
  std::string first, again;
  const auto read_lines = [&](std::string* line) {
    ViewPool::Read reads(&pool);
    return read(&reads, blocks_[0], line);
  };
  const auto read_times = [&](int queries) {
    for (int i = 0; i < queries; ++i) {
      ViewPool::Read reads(&pool);
      ReadStats stats;
      const RowBits* kept = nullptr;
      const auto view = reads.open(blocks_[0], &stats, &kept);
      ASSERT_TRUE(view.ok());
      EXPECT_EQ((*view)->times()->size(), kRows);
    }
  };
  read_lines(&first);
  const uint64_t all_bytes = used();
  read_times(2);
  EXPECT_EQ(used(), all_bytes) << "another may ask soon";
  EXPECT_EQ(read_lines(&again).bytes_unpacked, 0u);
  read_times(20);
  EXPECT_LT(used(), all_bytes);
  EXPECT_GT(read_lines(&again).bytes_unpacked, 0u);
  EXPECT_EQ(again, first);
  EXPECT_EQ(used(), all_bytes);
}

TEST_F(ViewPoolTest, BlocksThatAreGoneLeaveSoon) {
  ViewPool pool(1u << 20, world().memory, world().metrics);
  {
    ViewPool::Read reads(&pool);
    // What a mask makes of a block is a source that dies with its snapshot; here any that nobody else has.
    struct Alias final : BlockSource {
      explicit Alias(BlockSourcePtr b) : block(std::move(b)) {}
      const BlockInfo& info() const override { return block->info(); }
      bool in_head() const override { return false; }
      Result<std::unique_ptr<BlockView>> open(ReadStats* stats) const override { return block->open(stats); }
      std::span<const int64_t> count_widths_ns() const override { return {}; }
      Result<std::vector<BlockCount>> counts(size_t) const override { return std::vector<BlockCount>(); }
      BlockSourcePtr block;
    };
    read(&reads, std::make_shared<Alias>(blocks_[0]));
  }
  const uint64_t with_gone = used();
  EXPECT_GT(with_gone, 0u);
  ViewPool::Read reads(&pool);
  read(&reads, blocks_[1]);
  EXPECT_LT(used(), with_gone * 3 / 2) << "one view, not two";
}

TEST_F(ViewPoolTest, RowsStillInTheHeadAreNotKept) {
  store_.push_json(R"({"streams":[{"stream":{"app":"head"},"values":[["1700000000000000000","x"]]}]})");
  ViewPool pool(1u << 20, world().memory, world().metrics);
  ViewPool::Read reads(&pool);
  for (const BlockSourcePtr& block : store_.environment().snapshot()->blocks("fake", TimeRange::all())) {
    if (!block->in_head()) continue;
    ReadStats stats;
    const RowBits* kept = nullptr;
    ASSERT_TRUE(reads.open(block, &stats, &kept).ok());
  }
  EXPECT_EQ(used(), 0u);
}

}  // namespace
}  // namespace cordwood::query
