// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>

namespace cordwood::query::reference {

/// A value, or the text of an error.
using Reading = std::variant<double, std::string>;

/// Decimal text as Go's ParseFloat reads it.
Reading read_number(const std::string& text);
/// Nanoseconds, as Go's ParseDuration reads them.
Reading read_duration(const std::string& text);
/// `5KB`, `1.5 MiB`
Reading read_bytes(const std::string& text);

}  // namespace cordwood::query::reference
