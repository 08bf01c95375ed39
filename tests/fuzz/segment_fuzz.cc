// SPDX-License-Identifier: Apache-2.0
// A segment object of any bytes, opened by its own footer; every block it names is read, and its index asked.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/segment.h"
#include "storage/segment_index.h"
#include "tests/fuzz/drain_block.h"
#include "tests/support/memory_store.h"

using namespace cordwood;

namespace {

const TextProbe kProbes[] = {TextProbe::substring("4bf92f3577b34da6a3ce929d0e0e4700"),
                             TextProbe::value("4bf92f3577b34da6a3ce929d0e0e1001"),
                             TextProbe::substring("4bf92f35-77b3-4da6-a3ce-929d0e0e4700"),
                             TextProbe::substring(" took level=warn"), TextProbe::value("deadlock")};

void ask_index(const BlockSource& block) {
  ReadStats stats;
  for (const TextProbe& probe : kProbes) (void)block.may_hold(probe, &stats).ok();
}

/// All blocks at once, and what each of them would bring along into another segment.
void ask_index(const SegmentIndex& index) {
  ReadStats stats;
  for (const TextProbe& probe : kProbes) {
    const TextProbe* const asked = &probe;
    (void)index.locate_blocks(std::span(&asked, 1), &stats);
  }
  FilterParts parts(index.filters());
  for (uint32_t block = 0; block < std::min(index.block_count(), 8u); ++block) (void)parts.of(block).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxBlocks = 8;
  samples::MemoryStore store;
  store.objects["segments/s"] = std::string(reinterpret_cast<const char*>(data), size);
  const auto meta = read_segment_meta(store, "segments/s");
  if (!meta.ok()) return 0;
  const auto segment = Segment::open(store, *meta);
  if (!segment.ok()) return 0;
  if (const auto index = segment.value()->index()) ask_index(*index);
  const auto& blocks = segment.value()->blocks();
  for (size_t i = 0; i < std::min(blocks.size(), kMaxBlocks); ++i) {
    ask_index(*blocks[i]);
    fuzz::drain_block(*blocks[i], static_cast<uint32_t>(i));
  }
  return 0;
}
