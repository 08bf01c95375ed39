// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood::query {

/// Whether the text is `[a-zA-Z_][a-zA-Z0-9_]*`.
bool is_label_name(std::string_view text);

/// Appends what the parsers make of a key: space trimmed, every rune outside [a-zA-Z0-9_] one `_`, and a `_` in front
/// of a leading digit when `at_start`.  Appends nothing for a blank key.
void append_sanitized_label_name(std::string_view key, bool at_start, std::string* out);

/// Space as Go's strings.TrimSpace sees it, off both ends.
std::string_view trim_space(std::string_view text);

}  // namespace cordwood::query
