// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "storage/head_source.h"

namespace cordwood {
namespace {

void append_line(HeadBlock* block, const std::string& line) {
  HeadRow row;
  row.time_ns = block->row_count();
  row.line_data = line.data();
  row.line_bytes = static_cast<uint32_t>(line.size());
  ASSERT_TRUE(block->append(row, block->row_count() + 1));
}

/// How often what a view says of a row is not what was pushed.
int mistakes_of(const BlockSource& source) {
  const auto view = *source.open(nullptr);
  int mistakes = 0;
  std::string scratch;
  for (uint32_t row = 0; row < view->row_count(); ++row) {
    const Shape* const shape = *view->shape(row);
    if (shape == nullptr || *view->cell(row, shape->slots[0], &scratch) != std::to_string(row)) ++mistakes;
  }
  for (uint32_t digit = 0; digit < 10; ++digit) {
    const std::string needle = fmt::format("{}}}", digit);
    const RowBits found = *view->rows_with_text(needle, TextPlace::line);
    for (uint32_t row = 0; row < view->row_count(); ++row) {
      if (found.test(row) != (row % 10 == digit)) ++mistakes;
    }
  }
  return mistakes;
}

TEST(HeadShredsTest, AreMadeForPrefixesWhileRowsCome) {
  MemoryAccountant memory{{}};
  const auto block = std::make_shared<HeadBlock>("t", memory);
  block->add_stream(Stream::make("t", StreamKind::log, Labels::from_pairs({{"app", "x"}})));
  // Many shapes: there are new ones all the time.
  const auto append_some = [&block](uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = block->row_count();
      append_line(block.get(), fmt::format(R"({{"n":{},"k{}":{}}})", row, row % 97, row % 10));
    }
  };
  std::vector<BlockSourcePtr> prefixes;
  for (uint32_t i = 0; i < 4; ++i) {
    append_some(300);
    prefixes.push_back(
        make_head_source({block, block->row_count(), block->stream_count(), block->raw_bytes(), block->arrival_max()}));
  }
  std::atomic<int> mistakes = 0;
  std::vector<std::thread> readers;
  for (const BlockSourcePtr& prefix : prefixes) {
    readers.emplace_back([&mistakes, &prefix] {
      for (int i = 0; i < 3; ++i) mistakes += mistakes_of(*prefix);
    });
  }
  append_some(3000);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(mistakes, 0);
}

}  // namespace
}  // namespace cordwood
