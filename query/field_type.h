// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood::query {

/// What a field's value looks like, the first of: int, float, boolean, duration, bytes, string.
std::string_view field_type(std::string_view value);

/// The value as it is offered for queries: sizes with a unit in SI form without space (`1.5kB`), others as they are.
std::string offered_field_value(std::string_view value);

}  // namespace cordwood::query
