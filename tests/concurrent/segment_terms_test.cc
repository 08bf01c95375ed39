// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "index/segment_terms_builder.h"
#include "index/segment_terms_opener.h"
#include "storage/base/checksum.h"
#include "tests/storage/columns/block_fixture.h"
#include "tests/support/temporary_directory.h"

namespace cordwood::index {
namespace {

FieldProbe number_is(int value) {
  FieldProbe probe;
  probe.key = std::to_string(value);
  probe.json = true;
  probe.may_become = [](ColumnSource, const std::vector<std::string>& path) { return path[0] == "n"; };
  probe.accepts = [text = probe.key](std::string_view cell) { return cell == text; };
  return probe;
}

/// Many threads ask parts of which only one can be open, and parts come and go.
TEST(SegmentTermsConcurrency, AnswersAreRight) {
  constexpr uint32_t kBlocks = 8;
  TemporaryDirectory directory;
  PosixFileSystem fs;
  MemoryAccountant memory{{}};
  Metrics metrics;
  const std::shared_ptr<Logger> log = Logger::silent();
  XapianTermsBuilder builder({}, directory.path() + "/terms", fs, metrics);
  BlockBuilder blocks({});
  std::vector<SpilledBlock> spilled;
  for (uint32_t b = 0; b < kBlocks; ++b) {
    samples::Rows rows;
    for (int i = 0; i < 10; ++i) rows.add(fmt::format(R"({{"n":{}}})", b), i);
    spilled.push_back(samples::spill(blocks.build(rows.input())));
  }
  const auto part = builder.build(spilled);
  ASSERT_TRUE(part.ok());
  XapianTermsOpener opener(1, memory, *log, metrics);
  std::vector<std::shared_ptr<const SegmentTerms>> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(opener.open(*part, xxh3_64(*part), kBlocks));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      ReadStats stats;
      for (int i = 0; i < 200; ++i) {
        const int value = (i + t) % 20;
        const auto own = i % 50 == 0 ? opener.open(*part, xxh3_64(*part), kBlocks) : parts[i % 3];
        const FieldProbe probe = number_is(value);
        for (uint32_t b = 0; b < kBlocks; ++b)
          if (own->may_hold(b, probe, &stats) != (static_cast<int>(b) == value)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  parts.clear();
  EXPECT_EQ(memory.used(MemoryShare::cache), 0u);
}

}  // namespace
}  // namespace cordwood::index
