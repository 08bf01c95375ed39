// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace re2 {
class RE2;
}

namespace cordwood {

struct GoRegexOptions {
  bool anchored = false;  ///< as `^(?:…)$`
  bool dot_matches_newline = false;
};

/// Compiles an expression of Go's regexp package with RE2: `(?<name>…)` is rewritten, the text is matched as
/// UTF-8.  Errors read as Go's do (`error parsing regexp: missing closing ): \`(\``).
Result<std::shared_ptr<const re2::RE2>> compile_go_regex(std::string_view expression, GoRegexOptions options);

}  // namespace cordwood
