// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>

#include "storage/base/ascii.h"
#endif

// Scanners that find the end of one cell.  Each takes [at, end) and returns one past the cell's last byte, or null when
// no valid cell starts at `at`.  The tokenizers and the shape trie use the same ones, so that a line that is matched
// against a known shape is checked exactly as a line that is taken apart for the first time.
namespace cordwood::shred {

/// What a cell looks like, hence how its end is found.
enum class SlotScan : uint8_t {
  json_string,   ///< between quotes; stops at the closing quote
  json_bare,     ///< number, true, false, null
  json_array,    ///< from [ to its ]
  logfmt_value,  ///< up to white space, may be empty
  text_token,    ///< a token that varies: holds a digit, '/' or '\'
  text_value,    ///< any token, after '='
  text_quoted,   ///< between double quotes, not empty; the closing quote ends a word
};

/// The high bit of every byte of `word` that is zero; bytes above the lowest zero may be marked wrongly.
inline uint64_t mark_zeros(uint64_t word) {
  return (word - ~0ull / 255) & ~word & ~0ull / 255 * 0x80;
}

/// First byte that is A, B or <= Max, or `end`.
template <char A, char B, uint8_t Max>
inline const char* find_stop(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i a = _mm_set1_epi8(A);
  const __m128i b = _mm_set1_epi8(B);
  const __m128i max = _mm_set1_epi8(static_cast<char>(Max));
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(bytes, max), max);
    const __m128i hit = _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(bytes, a), _mm_cmpeq_epi8(bytes, b)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (mask != 0) return at + __builtin_ctz(mask);
  }
#else
  static_assert(Max < 0x80 && std::endian::native == std::endian::little);
  constexpr uint64_t kOnes = ~0ull / 255;
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const uint64_t above_max = ((word & kOnes * 0x7f) + kOnes * (0x7f - Max)) | word;
    const uint64_t low = ~above_max & kOnes * 0x80;
    const uint64_t hit = low | mark_zeros(word ^ kOnes * uint8_t{A}) | mark_zeros(word ^ kOnes * uint8_t{B});
    if (hit != 0) return at + std::countr_zero(hit) / 8;
  }
#endif
  for (; at != end; ++at) {
    if (*at == A || *at == B || static_cast<uint8_t>(*at) <= Max) break;
  }
  return at;
}

inline bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

inline const char* skip_json_space(const char* at, const char* end) {
  while (at != end && is_json_space(*at)) ++at;
  return at;
}

/// `at` is a backslash.  One past the escape, or null.
inline const char* scan_json_escape(const char* at, const char* end) {
  if (end - at < 2) return nullptr;
  switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return at + 2;
    case 'u': break;
    default: return nullptr;
  }
  if (end - at < 6) return nullptr;
  for (int i = 2; i < 6; ++i) {
    if (!is_hex_digit(at[i])) return nullptr;
  }
  return at + 6;
}

/// `at` is after the opening quote; the result points at the closing one.
inline const char* scan_json_string(const char* at, const char* end) {
  while (true) {
    at = find_stop<'"', '\\', 0x1f>(at, end);
    if (at == end) return nullptr;
    if (*at == '"') return at;
    if (*at != '\\') return nullptr;
    at = scan_json_escape(at, end);
    if (at == nullptr) return nullptr;
  }
}

inline const char* scan_digits(const char* at, const char* end) {
  while (at != end && is_digit(*at)) ++at;
  return at;
}

/// The grammar of RFC 8259; what follows the number is not looked at.
inline const char* scan_json_number(const char* at, const char* end) {
  if (at != end && *at == '-') ++at;
  if (at == end || !is_digit(*at)) return nullptr;
  at = *at == '0' ? at + 1 : scan_digits(at, end);
  if (at != end && *at == '.') {
    const char* fraction = at + 1;
    at = scan_digits(fraction, end);
    if (at == fraction) return nullptr;
  }
  if (at != end && (*at | 0x20) == 'e') {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    const char* exponent = at;
    at = scan_digits(exponent, end);
    if (at == exponent) return nullptr;
  }
  return at;
}

inline const char* scan_literal(const char* at, const char* end, std::string_view literal) {
  if (static_cast<size_t>(end - at) < literal.size()) return nullptr;
  return std::memcmp(at, literal.data(), literal.size()) == 0 ? at + literal.size() : nullptr;
}

inline const char* scan_json_bare(const char* at, const char* end) {
  if (at == end) return nullptr;
  switch (*at) {
    case 't': return scan_literal(at, end, "true");
    case 'f': return scan_literal(at, end, "false");
    case 'n': return scan_literal(at, end, "null");
    default: return scan_json_number(at, end);
  }
}

/// An array with everything in it, validated; at most `max_depth` arrays and objects within each other.
const char* scan_json_array(const char* at, const char* end, uint32_t max_depth);

/// The longest value go-logfmt reads without quotes; null when it holds '"' or '=', which that parser refuses.
inline const char* scan_logfmt_value(const char* at, const char* end) {
  at = find_stop<'"', '=', ' '>(at, end);
  return at != end && (*at == '"' || *at == '=') ? nullptr : at;
}

/// What a byte is to the text form.
struct TextClass {
  bool delimiter = false;
  bool varies = false;  ///< a token that holds it is a cell
};
inline constexpr std::array<TextClass, 256> kTextClasses = [] {
  std::array<TextClass, 256> classes{};
  for (unsigned c = 0; c <= ' '; ++c) classes[c].delimiter = true;
  for (char c : {'[', ']', '(', ')', '{', '}', '<', '>', '"', '\'', ',', ';', ':', '=', '|'}) {
    classes[static_cast<uint8_t>(c)].delimiter = true;
  }
  for (unsigned c = '0'; c <= '9'; ++c) classes[c].varies = true;
  classes['/'].varies = true;
  classes['\\'].varies = true;
  return classes;
}();
inline TextClass text_class(char c) {
  return kTextClasses[static_cast<uint8_t>(c)];
}

struct TextToken {
  const char* end = nullptr;
  bool varies = false;
};

/// `at` is a colon: whether it stands between the two-digit parts of a time of day.
inline bool joins_clock(const char* begin, const char* at, const char* end) {
  if (at - begin < 2 || !is_digit(at[-1]) || !is_digit(at[-2])) return false;
  if (at - begin > 2 && (is_digit(at[-3]) || at[-3] == '.')) return false;
  if (end - at < 3 || !is_digit(at[1]) || !is_digit(at[2])) return false;
  return end - at == 3 || !is_digit(at[3]);
}

/// The run of bytes that delimit nothing, 12:34:56 taken whole.
inline TextToken scan_token(const char* at, const char* end) {
  TextToken token;
  const char* begin = at;
  while (true) {
    for (; at != end; ++at) {
      const TextClass c = text_class(*at);
      if (c.delimiter) break;
      token.varies |= c.varies;
    }
    if (at == end || *at != ':' || !joins_clock(begin, at, end)) break;
    ++at;
  }
  token.end = at;
  return token;
}

inline const char* scan_text_token(const char* at, const char* end) {
  const TextToken token = scan_token(at, end);
  return token.varies ? token.end : nullptr;
}

inline const char* scan_text_value(const char* at, const char* end) {
  const TextToken token = scan_token(at, end);
  return token.end == at ? nullptr : token.end;
}

/// `at` is after the opening quote; the result points at the closing one.
inline const char* scan_text_quoted(const char* at, const char* end) {
  const char* begin = at;
  for (; at != end && *at != '"'; ++at) {
    if (*at == '\\' && end - at > 1) ++at;
  }
  if (at == end || at == begin) return nullptr;
  return end - at == 1 || text_class(at[1]).delimiter ? at : nullptr;
}

inline const char* scan_slot(SlotScan scan, const char* at, const char* end, uint32_t max_depth) {
  switch (scan) {
    case SlotScan::json_string: return scan_json_string(at, end);
    case SlotScan::json_bare: return scan_json_bare(at, end);
    case SlotScan::json_array: return scan_json_array(at, end, max_depth);
    case SlotScan::logfmt_value: return scan_logfmt_value(at, end);
    case SlotScan::text_token: return scan_text_token(at, end);
    case SlotScan::text_value: return scan_text_value(at, end);
    case SlotScan::text_quoted: return scan_text_quoted(at, end);
  }
  return nullptr;
}

/// One cell of a line that was taken apart.
struct Cut {
  uint32_t begin = 0;
  uint32_t end = 0;
  SlotScan scan = SlotScan::json_bare;
  uint8_t depth_left = 0;  ///< for json_array: how deep it may be
  uint32_t key = 0;        ///< index into LineCuts::keys; unused by text
};

/// A key of a json object or logfmt pair, as it stands in the line.
struct CutKey {
  static constexpr uint32_t kNoParent = UINT32_MAX;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t parent = kNoParent;  ///< key of the object around
};

/// Where the cells of a line lie; buffers are used again and again.
struct LineCuts {
  std::vector<Cut> cuts;
  std::vector<CutKey> keys;
  void clear() {
    cuts.clear();
    keys.clear();
  }
};

}  // namespace cordwood::shred
