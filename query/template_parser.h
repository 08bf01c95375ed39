// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "query/template_ast.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// Parses a Go template.  Errors read as Go's: `template: line:1: function "x" not defined`, where `name` is "line".
Result<TemplateTreeSet> parse_template(std::string_view name, std::string_view text);

}  // namespace cordwood::query
