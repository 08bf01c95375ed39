// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "query/template_value.h"

namespace cordwood::query {

/// A number from any value, as the template functions take them: text is parsed (a decimal part is cut for integers),
/// what cannot be a number is 0.
int64_t cast_to_integer(const TemplateValue& value);
double cast_to_real(const TemplateValue& value);

}  // namespace cordwood::query
