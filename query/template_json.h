// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "query/template_value.h"

namespace cordwood::query {

/// The value of a JSON text, its numbers as doubles; `none` when it is not valid.
TemplateValue parse_template_json(std::string_view text, TemplateArena* arena);

}  // namespace cordwood::query
