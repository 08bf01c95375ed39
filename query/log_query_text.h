// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

/// Texts of queries made from those of others.  Errors have Loki's texts.
namespace cordwood::query {

/// A log query with `|~ "regex"` behind its last stage, as the `regexp` of Loki's legacy endpoints means it: neither a
/// comment nor a parenthesis at the end of the text is in its way.
Result<std::string> with_line_regex(std::string_view query, std::string_view regex);

/// The selector of a log query, or of a metric query that has only one.
Result<std::string> selector_of(std::string_view query);

}  // namespace cordwood::query
