// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

/// Numbers as text, with the grammar and the error texts of Go's strconv.
namespace cordwood::query {

/// strconv.ParseFloat(text, 64).  Errors: `strconv.ParseFloat: parsing "x": invalid syntax` (or value out of range).
/// Does not allocate for decimal text that is valid.
Result<double> parse_go_float(std::string_view text);
/// The same without making an error text.
bool try_parse_go_float(std::string_view text, double* out);

/// strconv.ParseInt(text, base, 64); base 0 takes the prefixes 0x, 0o, 0b, 0 and underscores.
/// `function` is the name in the error text (`strconv.ParseInt: parsing "x": invalid syntax`).
Result<int64_t> parse_go_int(std::string_view text, int base, std::string_view function = "ParseInt");

/// Format 'f' with the fewest digits that read back equal; NaN, +Inf, -Inf.
std::string format_float(double value);
void append_float(double value, std::string* out);
/// As fmt's %v and text/template print a float64: format 'g', an exponent below 1e-4 and from 1e6.
std::string format_float_general(double value);

}  // namespace cordwood::query
