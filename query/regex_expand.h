// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace re2 {
class RE2;
class StringPiece;
}  // namespace re2

/// Replacing and counting matches with the rules of Go's regexp package.
namespace cordwood::query {

/// Appends `replacement` with `$1`, `${1}`, `$name`, `${name}` and `$$` filled in from the match.  A name takes as many
/// letters, digits and underscores as it can (`$1x` is a group named `1x`); an unknown one is empty.
void append_expanded(const re2::RE2& regex, std::string_view replacement, const re2::StringPiece* groups, size_t count,
                     std::string* out);

/// regexp.ReplaceAllString, or ReplaceAllLiteralString when `literal`.  Stops growing past `max_bytes`.
std::string replace_all(const re2::RE2& regex, std::string_view text, std::string_view replacement, bool literal,
                        size_t max_bytes);
/// The number of matches FindAllString gives.
size_t count_matches(const re2::RE2& regex, std::string_view text);

}  // namespace cordwood::query
