// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"

namespace cordwood::api {

/// Undoes percent-encoding; with `plus` a '+' is a space, as in queries and forms.  The error reads as Go's:
/// `invalid URL escape "%zz"`.
Result<std::string> percent_decode(std::string_view text, bool plus);

/// `a=1&b=2` in order.  Errors read as those of Go's url.ParseQuery.
Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

}  // namespace cordwood::api
