// SPDX-License-Identifier: Apache-2.0
#include "storage/column_bits.h"

namespace cordwood {

void pack_bits(std::span<const uint64_t> values, uint32_t width, std::string* out) {
  if (width == 0) return;
  const size_t before = out->size();
  const size_t bytes = packed_bytes(values.size(), width);
  out->resize(before + bytes + sizeof(uint64_t));
  char* p = out->data() + before;
  uint64_t pending = 0;
  uint32_t filled = 0;
  for (const uint64_t v : values) {
    pending |= v << filled;
    filled += width;
    if (filled < 64) continue;
    std::memcpy(p, &pending, sizeof pending);
    p += sizeof pending;
    filled -= 64;
    pending = filled == 0 ? 0 : v >> (width - filled);
  }
  std::memcpy(p, &pending, sizeof pending);
  out->resize(before + bytes);
}

}  // namespace cordwood
