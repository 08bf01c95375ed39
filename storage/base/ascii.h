// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cordwood {

// Classes of bytes, whatever the locale.
constexpr bool is_digit(char c) {
  return static_cast<uint8_t>(c - '0') < 10;
}
constexpr bool is_hex_digit(char c) {
  return is_digit(c) || static_cast<uint8_t>((c | 0x20) - 'a') < 6;
}
/// 0 to 15; -1 for what is no hex digit.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  return is_hex_digit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

constexpr bool is_ascii_letter(char c) {
  return static_cast<uint8_t>((c | 0x20) - 'a') < 26;
}
constexpr bool is_alphanumeric(char c) {
  return is_digit(c) || is_ascii_letter(c);
}

/// Small for capital letters; other bytes as they are.
constexpr char fold_byte(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace cordwood
