// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace cordwood {

/// XXH3, 64 bits.  The seed keeps bytes of one place from passing for bytes of another.
uint64_t xxh3_64(std::string_view data, uint64_t seed = 0);

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const Hash128&) const = default;
};
Hash128 xxh3_128(std::string_view data);

}  // namespace cordwood
