// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

/// Text encodings that templates offer, with the errors of Go's packages.
namespace cordwood::query {

std::string encode_base64(std::string_view bytes);
/// Missing padding is added first.  Error: `illegal base64 data at input byte 3`.
Result<std::string> decode_base64(std::string_view text);

/// url.QueryEscape: space as `+`.
std::string query_escape(std::string_view text);
/// url.QueryUnescape.  Error: `invalid URL escape "%zz"`.
Result<std::string> query_unescape(std::string_view text);

/// template.HTMLEscapeString and JSEscapeString.
std::string html_escape(std::string_view text);
std::string js_escape(std::string_view text);

}  // namespace cordwood::query
