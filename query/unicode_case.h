// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood::query {

char32_t to_upper_rune(char32_t rune);
char32_t to_lower_rune(char32_t rune);
/// strings.ToUpper, ToLower and Title; invalid bytes become U+FFFD.
std::string to_upper_text(std::string_view text);
std::string to_lower_text(std::string_view text);
std::string to_title_text(std::string_view text);

}  // namespace cordwood::query
