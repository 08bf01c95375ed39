// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace cordwood {

/// Bytes that must be readable behind packed bits, so that every value is two plain loads.
inline constexpr size_t kBitPadding = 16;

/// Bits needed for values up to `max`.
constexpr uint32_t bit_width_of(uint64_t max) {
  return static_cast<uint32_t>(std::bit_width(max));
}
/// Bytes that `count` values of `width` bits take.
constexpr uint64_t packed_bytes(uint64_t count, uint32_t width) {
  return (count * width + 7) / 8;
}

/// Appends values of `width` bits (0 to 64), lowest bit first.  No value may need more.
void pack_bits(std::span<const uint64_t> values, uint32_t width, std::string* out);

/// Value `index`; `data` has packed_bytes() plus kBitPadding readable bytes.
inline uint64_t read_bits(const char* data, uint64_t index, uint32_t width) {
  const uint64_t bit = index * width;
  const uint32_t shift = static_cast<uint32_t>(bit & 7);
  uint64_t low;
  std::memcpy(&low, data + (bit >> 3), sizeof low);
  low >>= shift;
  if (shift + width > 64) low |= static_cast<uint64_t>(static_cast<uint8_t>(data[(bit >> 3) + 8])) << (64 - shift);
  return width == 64 ? low : low & ((uint64_t{1} << width) - 1);
}

}  // namespace cordwood
