// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "query/template_value.h"

namespace cordwood::query {

/// fmt.Sprintf over template values, with its notes on misuse: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=2)`.
std::string go_sprintf(std::string_view format, const TemplateValue* arguments, size_t count);
/// fmt.Sprint: a space between two operands when neither is text.
std::string go_sprint(const TemplateValue* arguments, size_t count);

}  // namespace cordwood::query
