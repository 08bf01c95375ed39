// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cordwood {

namespace same_text_parts {

/// The first and the last word: together all bytes, if these are at most two words.
template <typename Word>
inline bool same_ends(const char* a, const char* b, size_t size) {
  Word head_a, head_b, tail_a, tail_b;
  std::memcpy(&head_a, a, sizeof(Word));
  std::memcpy(&head_b, b, sizeof(Word));
  std::memcpy(&tail_a, a + size - sizeof(Word), sizeof(Word));
  std::memcpy(&tail_b, b + size - sizeof(Word), sizeof(Word));
  return ((head_a ^ head_b) | (tail_a ^ tail_b)) == 0;
}

}  // namespace same_text_parts

/// Whether so many bytes are equal.  Parts of lines are mostly shorter than 32 bytes: words that overlap beat a call.
inline bool same_bytes(const char* a, const char* b, size_t size) {
  using same_text_parts::same_ends;
  if (size > 32) return same_ends<uint64_t>(a, b, size) && std::memcmp(a + 8, b + 8, size - 16) == 0;
  // The second pair lies inside the text and meets both words of the first.
  if (size > 16)
    return same_ends<uint64_t>(a, b, size) && same_ends<uint64_t>(a + 8, b + 8, size - 16 < 8 ? 8 : size - 16);
  if (size >= 8) return same_ends<uint64_t>(a, b, size);
  if (size >= 4) return same_ends<uint32_t>(a, b, size);
  for (size_t i = 0; i < size; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

inline bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_bytes(a.data(), b.data(), a.size());
}

}  // namespace cordwood
