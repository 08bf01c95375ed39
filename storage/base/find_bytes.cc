// SPDX-License-Identifier: Apache-2.0
#include "storage/base/find_bytes.h"

#include <bit>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace cordwood {

namespace {

const char* find_slowly(const char* at, const char* end, std::string_view needle) {
  return static_cast<const char*>(memmem(at, static_cast<size_t>(end - at), needle.data(), needle.size()));
}

#ifdef __SSE2__

constexpr std::ptrdiff_t kPlaces = 16;
/// Bytes compared in vain, for each byte of text, beyond which there are too many places that look right.
constexpr std::ptrdiff_t kMostInVain = 4;
constexpr std::ptrdiff_t kAlwaysInVain = 4096;

/// A bit for each of the places from `at` on whose first and last byte are right.
uint32_t places(const char* at, size_t to_last, __m128i first, __m128i last) {
  const __m128i begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + to_last));
  const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(begins, first), _mm_cmpeq_epi8(ends, last));
  return static_cast<uint32_t>(_mm_movemask_epi8(both));
}

#endif

}  // namespace

const char* find_bytes(std::string_view text, std::string_view needle) {
  const size_t size = needle.size();
  if (size > text.size()) return nullptr;
  if (size == 0) return text.data();
  const char* at = text.data();
  const char* const end = at + text.size();
  if (size == 1) return static_cast<const char*>(std::memchr(at, needle[0], text.size()));
#ifdef __SSE2__
  const char* const places_end = end - size + 1;
  if (places_end - at < kPlaces) return find_slowly(at, end, needle);
  const __m128i first = _mm_set1_epi8(needle.front());
  const __m128i last = _mm_set1_epi8(needle.back());
  std::ptrdiff_t in_vain = 0;
  while (true) {
    for (uint32_t hits = places(at, size - 1, first, last); hits != 0; hits &= hits - 1) {
      const char* hit = at + std::countr_zero(hits);
      if (std::memcmp(hit + 1, needle.data() + 1, size - 2) == 0) return hit;
      in_vain += static_cast<std::ptrdiff_t>(size);
    }
    at += kPlaces;
    if (at >= places_end) return nullptr;
    if (places_end - at < kPlaces) at = places_end - kPlaces;  // some are looked at twice
    if (in_vain > kAlwaysInVain + kMostInVain * (at - text.data())) return find_slowly(at, end, needle);
  }
#else
  return find_slowly(at, end, needle);
#endif
}

}  // namespace cordwood
