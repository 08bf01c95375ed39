// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cordwood::api {

/// About how much of a long answer is written before it goes out.
inline constexpr size_t kJsonPieceBytes = 64 << 10;

/// Log lines are escaped as for a page (`<`, `>`, `&`, U+2028 and U+2029 too), labels are not.  An invalid UTF-8 byte
/// becomes \ufffd.
enum class JsonEscape : unsigned char { plain, html };
void append_json_string(std::string_view text, JsonEscape escape, std::string* out);
void append_integer(int64_t value, std::string* out);
void append_unsigned(uint64_t value, std::string* out);
/// As Go's strconv.FormatFloat(v, 'f', -1, 64): shortest digits that read back, never an exponent; NaN, +Inf, -Inf.
void append_go_float(double value, std::string* out);
/// At most six decimals, no trailing zeros; for figures of `stats`.
void append_short_float(double value, std::string* out);
/// Unix seconds with up to three decimals.
void append_seconds(int64_t time_ms, std::string* out);
void append_base64(std::string_view bytes, std::string* out);

}  // namespace cordwood::api
