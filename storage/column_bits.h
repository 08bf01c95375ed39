// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

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

/// What is done with each value is called from several places below.  Without this it would become a function of its
/// own, and keep in memory what belongs in registers: `[&](uint64_t value) CORDWOOD_INLINE { … }`.
#define CORDWOOD_INLINE __attribute__((always_inline))

/// Calls take(value) for values that lie in a word one behind the other, from its lowest bit on.
template <typename Take, uint32_t... Nth>
inline void take_from_word(uint64_t word, uint32_t width, uint64_t mask, Take& take,
                           std::integer_sequence<uint32_t, Nth...>) {
  (take(word >> Nth * width & mask), ...);
}

/// Calls take(value) for the first `count` values in order; `data` as above.  Several are cut from one load: eight of
/// them are as many bytes as each has bits.
template <typename Take>
inline void for_each_bits(const char* data, uint32_t count, uint32_t width, Take&& take) {
  constexpr std::make_integer_sequence<uint32_t, 4> kFour;
  constexpr std::make_integer_sequence<uint32_t, 8> kEight;
  const uint64_t mask = width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  const auto load = [](const char* from) {
    uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
  };
  uint32_t i = 0;
  if (width <= 8) {
    for (; i + 8 <= count; i += 8, data += width) take_from_word(load(data), width, mask, take, kEight);
  } else if (width <= 16) {
    for (; i + 8 <= count; i += 8, data += width) {
      take_from_word(load(data), width, mask, take, kFour);
      // The fifth begins with a byte, or in its middle.
      take_from_word(load(data + width / 2) >> width % 2 * 4, width, mask, take, kFour);
    }
  } else if (width <= 57) {
    for (uint64_t bit = 0; i < count; ++i, bit += width) take(load(data + bit / 8) >> bit % 8 & mask);
  }
  for (uint32_t rest = 0; i < count; ++i, ++rest) take(read_bits(data, rest, width));
}

}  // namespace cordwood
