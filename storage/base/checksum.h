// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace cordwood {

/// XXH3, 64 bits.  The seed keeps bytes of one place from passing for bytes of another.
uint64_t xxh3_64(std::string_view data, uint64_t seed = 0);

/// Whether stored bytes are not what was written.  Builds for fuzzing never say so: fuzzers shall see what lies behind.
inline bool checksum_differs(uint64_t stored, uint64_t computed) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  (void)stored, (void)computed;
  return false;
#else
  return stored != computed;
#endif
}

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const Hash128&) const = default;
};
Hash128 xxh3_128(std::string_view data);

}  // namespace cordwood
