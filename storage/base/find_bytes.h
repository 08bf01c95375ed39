// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string_view>

namespace cordwood {

/// Whether the bytes of `needle` stand in `text`; the empty needle stands in every text.
inline bool contains_bytes(std::string_view text, std::string_view needle) {
  return needle.empty() ||
         (needle.size() <= text.size() && memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr);
}

}  // namespace cordwood
