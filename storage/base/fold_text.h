// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/base/ascii.h"

namespace cordwood {

/// ASCII letters small.
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
