// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/base/ascii.h"

namespace cordwood {

/// How text is taken apart for the index.  Seal and query must do it alike: whatever is decided about a token is
/// decided by its bytes, or by bytes that stand beside it both in the line and in the needle.
///
/// A token is a maximal run of letters, digits, `_` and bytes >= 0x80.
enum TextClass : uint8_t {
  kTokenChar = 1,
  kHexDigit = 2,
  kDigit = 4,
  kEscapeLetter = 8,   ///< with a backslash before it: stands for one byte that is no token character
  kEscapeNumber = 16,  ///< with a backslash before it: can stand for any text
};

namespace text_tables {

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> t{};
  for (int c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    uint8_t k = 0;
    if (digit || letter || c == '_' || c >= 0x80) k |= kTokenChar;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) k |= kHexDigit;
    if (digit) k |= kDigit;
    if (std::string_view("abfnrtv").find(static_cast<char>(c)) != std::string_view::npos) k |= kEscapeLetter;
    if (std::string_view("uUx01234567").find(static_cast<char>(c)) != std::string_view::npos) k |= kEscapeNumber;
    t[static_cast<size_t>(c)] = k;
  }
  return t;
}

/// Digits are one symbol, ASCII letters small.
constexpr std::array<uint8_t, 256> make_folds() {
  std::array<uint8_t, 256> t{};
  for (int c = 0; c < 256; ++c) {
    t[static_cast<size_t>(c)] = static_cast<uint8_t>(c >= '0' && c <= '9' ? '0' : c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return t;
}

inline constexpr std::array<uint8_t, 256> kClasses = make_classes();
inline constexpr std::array<uint8_t, 256> kFolds = make_folds();

}  // namespace text_tables

inline uint8_t text_class_of(char c) {
  return text_tables::kClasses[static_cast<uint8_t>(c)];
}
inline bool is_token_char(char c) {
  return (text_class_of(c) & kTokenChar) != 0;
}

/// Hash of an id of 16 or 32 hex digits, whatever their case; `digits` may hold dashes, which are passed over.  Sixteen
/// zeros before sixteen digits do not count: an id of 64 bits is one place to look in either spelling.  Its top 48 bits
/// are what is stored.
uint64_t id_hash(std::string_view digits);
/// As id tables of version 1 have it: zeros count.
uint64_t old_id_hash(std::string_view digits);
inline constexpr int kIdHashBits = 48;

/// The same of the 8 or 16 bytes that the digits stand for.
uint64_t id_hash_of_binary(std::string_view bytes);
/// Appends of every id in the text the top 48 bits of its hash.
void append_ids(std::string_view text, std::vector<uint64_t>* out);
/// No id has fewer hex digits and dashes in a row.
inline constexpr size_t kLeastIdText = 16;

/// Hash of a token for the token filter.
uint64_t token_hash(std::string_view token);
/// Hash for the gram filter, of a window of four folded bytes or of a joint.
uint64_t gram_hash(uint64_t gram);

/// Numbers of so many digits are in nearly every block.
inline constexpr size_t kShortNumber = 5;
/// Whether the token filter has tokens like this one.  Not listed: ids of exactly 16 or 32 hex digits (the id table
/// has them), short numbers, and pieces of time stamps (`01T12`, `123456Z`), of which nearly every row has others.
bool is_listed_token(std::string_view token);

/// Calls `visit(uint32_t)` with every window of four folded bytes of a token, but for those of hex digits alone, which
/// ids are full of.
template <typename Visit>
void for_each_gram(std::string_view token, const Visit& visit) {
  uint32_t window = 0;
  uint32_t hex_run = 0;
  for (size_t i = 0; i < token.size(); ++i) {
    const auto c = static_cast<uint8_t>(token[i]);
    window = window << 8 | text_tables::kFolds[c];
    hex_run = (text_tables::kClasses[c] & kHexDigit) != 0 ? hex_run + 1 : 0;
    if (i >= 3 && hex_run < 4) visit(window);
  }
}

/// What stands at a dash within a code like `PX-7781`, whose tokens say little: two folded bytes of each side, digits
/// being one symbol.  Nothing (0) where either side has fewer, where all four are hex digits, which UUIDs and dates are
/// full of, and beside bytes >= 0x80.  Never a window of for_each_gram().
inline uint64_t joint_at(std::string_view text, size_t dash) {
  if (dash < 2 || text.size() - dash < 3) return 0;
  uint64_t joint = '-';
  uint8_t all = 0xff;
  for (const size_t i : {dash - 2, dash - 1, dash + 1, dash + 2}) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x80) return 0;
    all &= text_tables::kClasses[c];
    joint = joint << 8 | text_tables::kFolds[c];
  }
  return (all & (kTokenChar | kHexDigit)) == kTokenChar ? joint : 0;
}

/// A dash-separated group of hex digits, H-4-4-4-T with H, T the whole hex runs at its ends: an UUID if these have 8
/// and 12 digits.
struct UuidPlace {
  size_t begin = 0;   ///< of H
  size_t end = 0;     ///< of T
  uint32_t head = 0;  ///< digits of H
  uint32_t tail = 0;  ///< digits of T
  bool exact() const { return head == 8 && tail == 12; }
};
/// Looks for a UUID whose H ends at `dash`, where a '-' stands.  False when there is none; H has at least 8 digits,
/// T at least 12.
bool find_uuid(std::string_view text, size_t dash, UuidPlace* place);

/// The lengths of hex runs of 16 digits and more that the index knows: bit n - 16 for n digits, one bit for all that
/// are longer than 32.
uint32_t hex_length_bit(size_t digits);

}  // namespace cordwood
