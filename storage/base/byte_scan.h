// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cordwood {

/// First `a` or `b` in [p, end), or end.  Reads nothing outside.
inline const char* find_either(const char* p, const char* end, char a, char b) {
#if defined(__SSE2__)
  const __m128i va = _mm_set1_epi8(a);
  const __m128i vb = _mm_set1_epi8(b);
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto hits =
        static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, va), _mm_cmpeq_epi8(bytes, vb))));
    if (hits != 0) return p + std::countr_zero(hits);
    p += 16;
  }
#endif
  while (p < end && *p != a && *p != b) ++p;
  return p;
}

/// The quote that ends a JSON string whose first content byte is at `p`, or null when there is none.  Sets
/// `*escaped` when a backslash came before it.
inline const char* find_string_end(const char* p, const char* end, bool* escaped) {
  for (;;) {
    p = find_either(p, end, '"', '\\');
    if (p == end) return nullptr;
    if (*p == '"') return p;
    *escaped = true;
    if (end - p < 2) return nullptr;
    p += 2;
  }
}

}  // namespace cordwood
