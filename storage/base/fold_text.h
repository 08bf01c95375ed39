// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood {

/// Small for capital ASCII letters; other bytes as they are.
constexpr char fold_byte(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
inline void fold_text(std::string_view text, std::string* out) {
  out->resize(text.size());
  for (size_t i = 0; i < text.size(); ++i) (*out)[i] = fold_byte(text[i]);
}

/// U+017F and U+212A: the only runes beyond ASCII that fold to ASCII letters, s and k.
inline constexpr std::string_view kOddFolds[] = {"\xc5\xbf", "\xe2\x84\xaa"};
inline bool holds_odd_fold(std::string_view text) {
  for (const std::string_view rune : kOddFolds)
    if (text.find(rune) != std::string_view::npos) return true;
  return false;
}

}  // namespace cordwood
