// SPDX-License-Identifier: Apache-2.0
#include "storage/text_tokens.h"

// Tokens are short: a call into the library would cost as much as their hash.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace cordwood {

namespace {

constexpr std::array<uint8_t, 256> make_nibbles() {
  std::array<uint8_t, 256> t{};
  for (int c = '0'; c <= '9'; ++c) t[static_cast<size_t>(c)] = static_cast<uint8_t>(c - '0');
  for (int c = 'a'; c <= 'f'; ++c) t[static_cast<size_t>(c)] = static_cast<uint8_t>(c - 'a' + 10);
  for (int c = 'A'; c <= 'F'; ++c) t[static_cast<size_t>(c)] = static_cast<uint8_t>(c - 'A' + 10);
  return t;
}
constexpr std::array<uint8_t, 256> kNibbles = make_nibbles();

uint8_t nibble(char c) {
  return kNibbles[static_cast<uint8_t>(c)];
}

size_t digits_from(std::string_view token, size_t at) {
  while (at < token.size() && (text_class_of(token[at]) & kDigit) != 0) ++at;
  return at;
}

/// The bytes that the digits of an id stand for.
struct IdBytes {
  std::array<char, 16> bytes{};
  size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};

IdBytes id_bytes(std::string_view digits) {
  IdBytes out;
  if (digits.size() == 16 || digits.size() == 32) {
    out.size = digits.size() / 2;
    for (size_t i = 0; i < out.size; ++i)
      out.bytes[i] = static_cast<char>(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
    return out;
  }
  size_t n = 0;
  uint8_t high = 0;
  for (const char c : digits) {
    if (c == '-') continue;
    if (n >= 32) break;
    if (n % 2 == 0) {
      high = nibble(c);
    } else {
      out.bytes[n / 2] = static_cast<char>(high << 4 | nibble(c));
    }
    ++n;
  }
  out.size = n / 2;
  return out;
}

}  // namespace

uint64_t id_hash(std::string_view digits) {
  return id_hash_of_binary(id_bytes(digits).view());
}

uint64_t old_id_hash(std::string_view digits) {
  const IdBytes id = id_bytes(digits);
  return XXH3_64bits(id.bytes.data(), id.size);
}

uint64_t id_hash_of_binary(std::string_view bytes) {
  constexpr std::string_view kPadding("\0\0\0\0\0\0\0\0", 8);
  if (bytes.size() == 2 * kPadding.size() && bytes.starts_with(kPadding)) bytes.remove_prefix(kPadding.size());
  return XXH3_64bits(bytes.data(), bytes.size());
}

void append_ids(std::string_view text, std::vector<uint64_t>* out) {
  constexpr size_t kHeadOfUuid = 8;
  // Shorter runs are of no use, so one character of eight tells whether to look closer.
  for (size_t at = kHeadOfUuid - 1; at < text.size(); at += kHeadOfUuid) {
    if (!is_hex_digit(text[at])) continue;
    size_t begin = at;
    while (begin > 0 && is_hex_digit(text[begin - 1])) --begin;
    while (at < text.size() && is_hex_digit(text[at])) ++at;
    const size_t digits = at - begin;
    UuidPlace uuid;
    if (digits == 16 || digits == 32) {
      out->push_back(id_hash(text.substr(begin, digits)) >> (64 - kIdHashBits));
    } else if (digits == kHeadOfUuid && at < text.size() && text[at] == '-' && find_uuid(text, at, &uuid) &&
               uuid.exact()) {
      out->push_back(id_hash(text.substr(uuid.begin, uuid.end - uuid.begin)) >> (64 - kIdHashBits));
    }
  }
}

uint64_t token_hash(std::string_view token) {
  return XXH3_64bits(token.data(), token.size());
}

uint64_t gram_hash(uint64_t gram) {
  // The finaliser of MurmurHash3: every bit of the gram reaches every bit of the hash.
  uint64_t h = gram + 0x9e3779b97f4a7c15ull;
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdull;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return h ^ (h >> 33);
}

bool is_listed_token(std::string_view token) {
  if (token.empty()) return false;
  if ((text_class_of(token[0]) & kHexDigit) == 0) return true;
  if (const size_t number = digits_from(token, 0); number > 0) {
    if (number == token.size()) {
      if (number <= kShortNumber) return false;
    } else if (token[number] == 'Z') {
      if (number + 1 == token.size()) return false;
    } else if (token[number] == 'T') {
      if (number + 1 < token.size() && digits_from(token, number + 1) == token.size()) return false;
    }
  }
  if (token.size() != 16 && token.size() != 32) return true;
  return !std::all_of(token.begin(), token.end(), is_hex_digit);
}

bool find_uuid(std::string_view text, size_t dash, UuidPlace* place) {
  // dash 4 dash 4 dash 4 dash 12
  if (dash < 8 || text.size() < dash + 28) return false;
  if (text[dash + 5] != '-' || text[dash + 10] != '-' || text[dash + 15] != '-') return false;
  for (const size_t group : {dash + 1, dash + 6, dash + 11}) {
    for (size_t i = group; i < group + 4; ++i)
      if (!is_hex_digit(text[i])) return false;
  }
  size_t begin = dash;
  while (begin > 0 && is_hex_digit(text[begin - 1])) --begin;
  size_t end = dash + 16;
  while (end < text.size() && is_hex_digit(text[end])) ++end;
  if (dash - begin < 8 || end - dash - 16 < 12) return false;
  place->begin = begin;
  place->end = end;
  place->head = static_cast<uint32_t>(std::min<size_t>(dash - begin, UINT32_MAX));
  place->tail = static_cast<uint32_t>(std::min<size_t>(end - dash - 16, UINT32_MAX));
  return true;
}

uint32_t hex_length_bit(size_t digits) {
  return 1u << (std::min<size_t>(digits, 33) - 16);
}

}  // namespace cordwood
