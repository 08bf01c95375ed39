// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cordwood {

struct Utf8Rune {
  char32_t value = 0xFFFD;
  uint8_t size = 1;  ///< bytes taken; 1 when invalid, as Go's decoder does
  bool valid = false;
};

/// The rune that starts at text[at] (at < text.size()).  Overlong forms, surrogates and values above U+10FFFF
/// are invalid.
Utf8Rune decode_utf8(std::string_view text, size_t at);
/// What stands for an invalid byte: U+FFFD.
inline constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";
void append_utf8(char32_t rune, std::string* out);
bool is_valid_utf8(std::string_view text);
/// Whether U+FFFD stands in the text, or for an invalid byte of it.
bool has_replacement_rune(std::string_view text);
/// Whether Go's strconv.IsPrint holds: graphic characters and the ASCII space, no other spaces.
bool is_printable(char32_t rune);
/// Each invalid byte becomes U+FFFD.
std::string to_valid_utf8(std::string_view text);

}  // namespace cordwood
