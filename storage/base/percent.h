// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood {

/// What stands for itself in URLs, beside letters and digits (RFC 3986, "unreserved").
inline constexpr std::string_view kUnreservedInUrls = "-_.~";

/// Letters, digits and the bytes of `plain` as they are, others as `%` and two capital hex digits.
std::string percent_encode(std::string_view text, std::string_view plain = kUnreservedInUrls);

}  // namespace cordwood
