// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "storage/block_builder.h"
#include "storage/segment.h"
#include "tests/support/memory_store.h"

namespace cordwood::samples {

/// Rows on their way into a block, with everything they point to.
class Rows {
 public:
  explicit Rows(uint32_t streams = 1) {
    for (uint32_t i = 0; i < streams; ++i) {
      input_.streams.push_back(Stream::make("tenant", StreamKind::log,
                                            Labels::from_pairs({{"app", "a"}, {"pod", "p" + std::to_string(i)}})));
    }
    input_.tenant = "tenant";
    input_.arrival_min = 7;
    input_.arrival_max = 9;
  }
  Rows(Rows&&) = default;
  Rows(const Rows&) = delete;  // rows point into it
  /// Rows must come in block order.
  void add(std::string line, int64_t time_ns = 0, uint32_t stream = 0,
           std::vector<std::pair<std::string, std::string>> metadata = {}, uint16_t derived = 0) {
    BlockInputRow row;
    row.stream = stream;
    row.time_ns = time_ns;
    row.line = texts_.emplace_back(std::move(line));
    auto& pairs = metadata_.emplace_back();
    for (auto& [name, value] : metadata) {
      const std::string_view n = texts_.emplace_back(name);
      pairs.push_back({n, texts_.emplace_back(value)});
    }
    row.metadata = pairs;
    row.derived_count = derived;
    rows_.push_back(row);
  }
  const BlockInput& input() {
    input_.rows = rows_;
    return input_;
  }
  const std::vector<BlockInputRow>& rows() const { return rows_; }
  size_t size() const { return rows_.size(); }

 private:
  std::deque<std::string> texts_;
  std::deque<std::vector<MetadataPair>> metadata_;
  std::vector<BlockInputRow> rows_;
  BlockInput input_;
};

inline SpilledBlock spill(EncodedBlock block) {
  SpilledBlock s;
  s.info = block.info;
  s.entry = block.entry;
  s.narrow_bytes = block.narrow.size();
  s.heap_offset = block.narrow.size();
  s.heap_bytes = block.heap.size();
  s.index_offset = block.narrow.size() + block.heap.size();
  s.index_bytes = block.index.size();
  s.source = memory_source(block.narrow + block.heap + block.index);
  return s;
}

inline BlockSourcePtr source_of(const EncodedBlock& block) {
  std::vector<StreamPtr> streams;
  for (const BlockStream& s : block.info.streams) streams.push_back(s.stream);
  auto opened = open_block(block.info.tenant, streams, block.entry, memory_source(block.narrow + block.heap), 0,
                           block.narrow.size(), true);
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  return opened.value();
}

/// Whether every row reads back as it was; stops at the first difference.
inline void expect_same(BlockView* view, const std::vector<BlockInputRow>& rows) {
  ASSERT_EQ(view->row_count(), rows.size());
  auto times = view->times();
  ASSERT_TRUE(times.ok()) << times.error().message;
  std::string scratch;
  std::vector<MetadataPair> pairs;
  uint32_t run = 0;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    while (view->runs()[run].row_end <= i) ++run;
    ASSERT_EQ((*times)[i], rows[i].time_ns) << "row " << i;
    auto line = view->line(i, &scratch);
    ASSERT_TRUE(line.ok()) << line.error().message;
    ASSERT_EQ(*line, rows[i].line) << "row " << i;
    const auto bytes = view->line_bytes(i);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    ASSERT_EQ(*bytes, rows[i].line.size()) << "row " << i;
    pairs.clear();
    auto metadata = view->metadata(i, &pairs);
    ASSERT_TRUE(metadata.ok()) << metadata.error().message;
    ASSERT_TRUE(std::equal(pairs.begin(), pairs.end(), rows[i].metadata.begin(), rows[i].metadata.end()))
        << "row " << i;
    auto derived = view->derived_metadata_count(i);
    ASSERT_TRUE(derived.ok());
    ASSERT_EQ(*derived, rows[i].derived_count);
  }
}

/// Builds, opens, compares.
inline EncodedBlock round_trip(Rows* rows, BlockBuilder* builder) {
  EncodedBlock block = builder->build(rows->input());
  ReadStats stats;
  auto view = source_of(block)->open(&stats);
  EXPECT_TRUE(view.ok()) << view.error().message;
  if (view.ok()) expect_same(view->get(), rows->rows());
  return block;
}

}  // namespace cordwood::samples
