// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "storage/day_ids.h"
#include "tests/storage/id_samples.h"

namespace cordwood {
namespace {

constexpr uint32_t kSegments = 3;
constexpr uint32_t kLines = 60;
constexpr int kReaders = 3;
constexpr uint64_t kLookUps = 3000;

/// Segments of one, two and three blocks, and common tables that number them the one way and the other.
class SegmentIndexConcurrency : public ::testing::Test {
 protected:
  void SetUp() override {
    BlockBuilder builder({});
    for (uint32_t s = 0; s < kSegments; ++s) {
      std::vector<SpilledBlock> blocks;
      for (uint32_t b = 0; b <= s; ++b) {
        samples::Rows rows;
        for (uint32_t i = 0; i < kLines; ++i) rows.add("id " + id_of(s, b, i), i);
        blocks.push_back(samples::spill(builder.build(rows.input())));
      }
      const auto meta = write_segment(store_, fmt::format("s{}", s), "n", 1, blocks);
      ASSERT_TRUE(meta.ok()) << meta.error().message;
      segments_.push_back(Segment::open(store_, *meta).value());
    }
    const std::atomic<bool> stop{false};
    for (const bool turned : {false, true}) {
      std::vector<DayIdsSource> sources;
      for (uint32_t s = 0; s < kSegments; ++s) sources.push_back({fmt::format("s{}", s), segments_[s]->index()});
      if (turned) std::reverse(sources.begin(), sources.end());
      size_t failed = 0;
      const auto meta = write_day_ids(store_, turned ? "turned" : "straight", sources, stop, &failed);
      ASSERT_TRUE(meta.ok()) << meta.error().message;
      tables_[turned ? 1 : 0] = std::make_shared<const DayIds>(store_, *meta);
    }
  }
  static std::string id_of(uint32_t s, uint32_t b, uint32_t i) { return samples::hex_id((s * 100 + b) * 1000 + i, 32); }
  /// All segments get another table, or none; one after the other.
  void swap(size_t table) {
    for (uint32_t s = 0; s < kSegments; ++s) {
      const uint32_t part = table == 1 ? kSegments - 1 - s : s;
      segments_[s]->index()->join(tables_[table], part);
    }
  }
  void look_up(uint64_t reader) {
    ReadStats stats;
    for (uint64_t n = reader; n < kLookUps; ++n) {
      const auto s = static_cast<uint32_t>(n % kSegments);
      const auto b = static_cast<uint32_t>(n / kSegments % (s + 1));
      const TextProbe probe = TextProbe::value(id_of(s, b, static_cast<uint32_t>(n * 7 % kLines)));
      for (uint32_t block = 0; block <= s; ++block) {
        const Result<bool> found = segments_[s]->index()->may_hold(block, probe, &stats);
        if (!found.ok() || *found != (block == b)) ++wrong_;
      }
    }
    damages_ += stats.index_damages;
    --reading_;
  }

  samples::MemoryStore store_;
  std::vector<std::shared_ptr<const Segment>> segments_;
  std::array<std::shared_ptr<const DayIds>, 3> tables_;  ///< the last one is none
  std::atomic<uint64_t> wrong_{0}, damages_{0};
  std::atomic<int> reading_{kReaders};
};

TEST_F(SegmentIndexConcurrency, IdsAreFoundWhicheverTableIsAsked) {
  std::vector<std::thread> readers;
  for (uint64_t r = 0; r < kReaders; ++r) readers.emplace_back([this, r] { look_up(r); });
  size_t swaps = 0;
  while (reading_ > 0) swap(swaps++ % tables_.size());
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(swaps, tables_.size());
  EXPECT_EQ(wrong_, 0u);
  EXPECT_EQ(damages_, 0u);
}

}  // namespace
}  // namespace cordwood
