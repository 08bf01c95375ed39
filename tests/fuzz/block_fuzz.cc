// SPDX-License-Identifier: Apache-2.0
// A block of any bytes: seed, sizes of entry and narrow part (4 bytes each), then entry, narrow part and heap.
#include <cstddef>
#include <cstdint>

#include "storage/base/coding.h"
#include "storage/segment.h"
#include "tests/fuzz/drain_block.h"

using namespace cordwood;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in({reinterpret_cast<const char*>(data), size});
  const uint32_t seed = in.u32();
  const uint32_t entry_bytes = in.u32();
  const uint32_t narrow_bytes = in.u32();
  if (in.failed()) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 12, size - 12);
  const std::string entry(body.substr(0, entry_bytes));
  const std::string data_bytes(body.substr(entry.size()));
  std::vector<StreamPtr> streams;
  for (uint32_t i = 0; i < 1 + seed % 3; ++i) {
    streams.push_back(Stream::make("fake", StreamKind::log, Labels::from_pairs({{"app", std::to_string(i)}})));
  }
  const auto block = open_block("fake", streams, entry, memory_source(data_bytes), 0,
                                std::min<uint64_t>(narrow_bytes, data_bytes.size()), false);
  if (block.ok()) fuzz::drain_block(**block, seed >> 8);
  return 0;
}
