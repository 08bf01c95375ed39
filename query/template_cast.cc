// SPDX-License-Identifier: Apache-2.0
#include "query/template_cast.h"

#include <limits>
#include <string>

#include "query/number_text.h"

namespace cordwood::query {

namespace {

/// The whole part of `-12.34`; any other text as it is.
std::string without_decimals(std::string_view text) {
  size_t i = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
  const size_t whole = i;
  if (i < text.size() && text[i] == '.') ++i;
  while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
  if (i < text.size()) return std::string(text);
  std::string out(text.substr(0, whole));
  if (out.empty() || out == "-" || out == "+") out += '0';
  return out;
}

}  // namespace

int64_t cast_to_integer(const TemplateValue& value) {
  switch (value.kind) {
    case ValueKind::boolean: return value.boolean ? 1 : 0;
    case ValueKind::integer:
    case ValueKind::integer64:
    case ValueKind::byte: return value.integer;
    case ValueKind::real:
      if (!(value.real > -9.223372036854775e18 && value.real < 9.223372036854775e18)) {
        return std::numeric_limits<int64_t>::min();
      }
      return static_cast<int64_t>(value.real);
    case ValueKind::string: {
      const auto parsed = parse_go_int(without_decimals(value.string), 0);
      return parsed.ok() ? *parsed : 0;
    }
    default: return 0;
  }
}

double cast_to_real(const TemplateValue& value) {
  switch (value.kind) {
    case ValueKind::boolean: return value.boolean ? 1 : 0;
    case ValueKind::integer:
    case ValueKind::integer64:
    case ValueKind::byte: return static_cast<double>(value.integer);
    case ValueKind::real: return value.real;
    case ValueKind::string: {
      double real = 0;
      return try_parse_go_float(value.string, &real) ? real : 0;
    }
    default: return 0;
  }
}

}  // namespace cordwood::query
