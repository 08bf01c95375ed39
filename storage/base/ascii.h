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

}  // namespace cordwood
