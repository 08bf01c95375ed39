// SPDX-License-Identifier: Apache-2.0
#include "query/field_type.h"

#include <algorithm>
#include <array>

#include "query/bytes_text.h"
#include "query/duration_text.h"
#include "query/number_text.h"

namespace cordwood::query {

namespace {

/// Go's strconv.ParseInt(text, 10, 64), which takes a sign of either kind.
bool is_int64(std::string_view text) {
  constexpr size_t kMaxDigits = 18;
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '+' || digits[0] == '-')) digits.remove_prefix(1);
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  return digits.size() <= kMaxDigits || parse_go_int(text, 10).ok();
}

bool is_bool(std::string_view text) {
  constexpr std::array<std::string_view, 12> kWords = {"1", "t", "T", "true",  "TRUE",  "True",
                                                       "0", "f", "F", "false", "FALSE", "False"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

/// Whether a size ends in the last letter of a unit (`b`, or a prefix with or without `i`): a bare number does not.
bool ends_in_unit(std::string_view size) {
  constexpr std::string_view kLast = "bBiIkKmMgGtTpPeE";
  return !size.empty() && kLast.find(size.back()) != std::string_view::npos;
}

}  // namespace

std::string_view field_type(std::string_view value) {
  if (is_int64(value)) return "int";
  double number = 0;
  if (try_parse_go_float(value, &number)) return "float";
  if (is_bool(value)) return "boolean";
  int64_t ns = 0;
  if (try_parse_go_duration(value, &ns)) return "duration";
  uint64_t bytes = 0;
  if (try_parse_bytes(value, &bytes)) return "bytes";
  return "string";
}

std::string offered_field_value(std::string_view value) {
  uint64_t bytes = 0;
  if (!ends_in_unit(value) || !try_parse_bytes(value, &bytes)) return std::string(value);
  std::string text = format_bytes(bytes);
  text.erase(text.find(' '), 1);
  return text;
}

}  // namespace cordwood::query
