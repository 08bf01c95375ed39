// SPDX-License-Identifier: Apache-2.0
#include "storage/base/checksum.h"

#include <xxhash.h>

namespace cordwood {

uint64_t xxh3_64(std::string_view data, uint64_t seed) {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

Hash128 xxh3_128(std::string_view data) {
  const XXH128_hash_t h = XXH3_128bits(data.data(), data.size());
  return {h.high64, h.low64};
}

}  // namespace cordwood
