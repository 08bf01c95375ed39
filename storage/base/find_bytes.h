// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cordwood {

/// Where the bytes of `needle` first stand in `text`, or null.  The empty needle stands at the beginning.
/// Source: W. Mula, "SIMD-friendly algorithms for substring searching": 16 places at a time whose first and last byte
/// are right are looked at; where that finds too many, the rest is left to memmem(), which takes linear time.
const char* find_bytes(std::string_view text, std::string_view needle);

inline bool contains_bytes(std::string_view text, std::string_view needle) {
  return needle.empty() || find_bytes(text, needle) != nullptr;
}

}  // namespace cordwood
