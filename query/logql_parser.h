// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/logql_ast.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// Parses a whole query and checks it.  The message of an error is the full text Loki answers with
/// (`parse error at line 1, col 6: …`).
Result<ExprPtr> parse_logql(std::string_view text);

/// Whether a selector must hold a matcher that rejects the empty value.
enum class SelectorRule : unsigned char { any, needs_non_empty };

/// Parses a selector with or without a pipeline; it may match every stream.
Result<LogQuery> parse_log_selector(std::string_view text);

/// Parses a query that must be a selector without pipeline (`only label matchers are supported`).
Result<std::vector<Matcher>> parse_selector(std::string_view text, SelectorRule rule = SelectorRule::needs_non_empty);

}  // namespace cordwood::query
