// SPDX-License-Identifier: Apache-2.0
#include "query/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

enum class ParseOutcome : unsigned char { good, syntax, range };

bool equals_fold(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

bool parse_special(std::string_view text, double* out) {
  const bool signed_text = !text.empty() && (text[0] == '+' || text[0] == '-');
  const std::string_view body = signed_text ? text.substr(1) : text;
  if (equals_fold(body, "inf") || equals_fold(body, "infinity")) {
    *out = text[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return true;
  }
  if (!signed_text && equals_fold(body, "nan")) {
    *out = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  return false;
}

/// Underscores must separate digits (or follow the base prefix).
bool underscores_allowed(std::string_view digits, bool hex) {
  char last = hex ? '0' : '^';
  for (const char c : digits) {
    const bool digit = hex ? is_hex_digit(c) : is_digit(c);
    if (digit) {
      last = '0';
    } else if (c == '_') {
      if (last != '0') return false;
      last = '_';
    } else {
      if (last == '_') return false;
      last = '!';
    }
  }
  return last != '_';
}

/// Checks the shape of [digits][.digits][exponent] and returns false when it is not a number.
bool has_float_shape(std::string_view body, bool hex) {
  size_t i = 0;
  size_t digits = 0;
  bool dot = false;
  for (; i < body.size(); ++i) {
    if (hex ? is_hex_digit(body[i]) : is_digit(body[i])) {
      ++digits;
    } else if (body[i] == '.' && !dot) {
      dot = true;
    } else {
      break;
    }
  }
  if (digits == 0) return false;
  if (i == body.size()) return !hex;
  if ((body[i] | 0x20) != (hex ? 'p' : 'e')) return false;
  ++i;
  if (i < body.size() && (body[i] == '+' || body[i] == '-')) ++i;
  if (i == body.size()) return false;
  for (; i < body.size(); ++i) {
    if (!is_digit(body[i])) return false;
  }
  return true;
}

ParseOutcome convert(std::string_view body, bool hex, double* out) {
  // from_chars knows no sign in front, but takes one in the exponent.
  const auto [end, code] = std::from_chars(body.data(), body.data() + body.size(), *out,
                                           hex ? std::chars_format::hex : std::chars_format::general);
  if (code == std::errc::result_out_of_range) {
    // Too small is zero (as in Go), too large is an error; the exponent's sign tells.
    const size_t mark = body.find_first_of(hex ? "pP" : "eE");
    const bool tiny = mark != std::string_view::npos ? mark + 1 < body.size() && body[mark + 1] == '-'
                                                     : body.find('.') != std::string_view::npos && body[0] == '0';
    *out = tiny ? 0 : std::numeric_limits<double>::infinity();
    return tiny ? ParseOutcome::good : ParseOutcome::range;
  }
  return code == std::errc() && end == body.data() + body.size() ? ParseOutcome::good : ParseOutcome::syntax;
}

ParseOutcome parse(std::string_view text, double* out) {
  if (text.empty()) return ParseOutcome::syntax;
  if (parse_special(text, out)) return ParseOutcome::good;
  std::string_view body = text;
  const bool negative = body[0] == '-';
  if (negative || body[0] == '+') body.remove_prefix(1);
  const bool hex = body.size() > 2 && body[0] == '0' && (body[1] | 0x20) == 'x';
  if (hex) body.remove_prefix(2);
  std::string without_underscores;
  if (body.find('_') != std::string_view::npos) {
    if (!underscores_allowed(body, hex)) return ParseOutcome::syntax;
    for (const char c : body) {
      if (c != '_') without_underscores += c;
    }
    body = without_underscores;
  }
  if (!has_float_shape(body, hex)) return ParseOutcome::syntax;
  const ParseOutcome outcome = convert(body, hex, out);
  if (negative) *out = -*out;
  return outcome;
}

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

Error number_error(std::string_view function, std::string_view text, std::string_view why) {
  std::string message = "strconv.";
  message += function;
  message += ": parsing ";
  append_go_quoted(text, &message);
  message += ": ";
  message += why;
  return Error::invalid(std::move(message));
}

/// Takes the base prefix of base 0 off `body` and returns the base.
int take_base(std::string_view* body) {
  if (body->size() < 2 || (*body)[0] != '0') return 10;
  const char mark = static_cast<char>((*body)[1] | 0x20);
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  body->remove_prefix(base == 0 ? 1 : 2);
  return base == 0 ? 8 : base;
}

}  // namespace

bool try_parse_go_float(std::string_view text, double* out) {
  return parse(text, out) == ParseOutcome::good;
}

Result<double> parse_go_float(std::string_view text) {
  double value = 0;
  switch (parse(text, &value)) {
    case ParseOutcome::good: return value;
    case ParseOutcome::syntax: return number_error("ParseFloat", text, "invalid syntax");
    case ParseOutcome::range: return number_error("ParseFloat", text, "value out of range");
  }
  return value;
}

Result<int64_t> parse_go_int(std::string_view text, int base, std::string_view function) {
  std::string_view body = text;
  const bool negative = !body.empty() && body[0] == '-';
  if (!body.empty() && (body[0] == '-' || body[0] == '+')) body.remove_prefix(1);
  if (body.empty()) return number_error(function, text, "invalid syntax");
  const bool any_base = base == 0;
  if (any_base) base = take_base(&body);
  uint64_t value = 0;
  bool digits = any_base && base == 8;  // a lone "0" has lost its digit as prefix
  bool overflow = false;
  for (const char c : body) {
    if (c == '_' && any_base) continue;
    const int digit = digit_value(c);
    if (digit >= base) return number_error(function, text, "invalid syntax");
    digits = true;
    overflow = overflow || __builtin_mul_overflow(value, static_cast<uint64_t>(base), &value) ||
               __builtin_add_overflow(value, static_cast<uint64_t>(digit), &value);
  }
  if (!digits) return number_error(function, text, "invalid syntax");
  const uint64_t limit = uint64_t{1} << 63;
  if (overflow || value > limit || (value == limit && !negative)) {
    return number_error(function, text, "value out of range");
  }
  return negative ? static_cast<int64_t>(0 - value) : static_cast<int64_t>(value);
}

void append_float(double value, std::string* out) {
  if (std::isnan(value)) {
    *out += "NaN";
  } else if (std::isinf(value)) {
    *out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 1100> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
    out->append(buffer.data(), static_cast<size_t>(end - buffer.data()));
  }
}

std::string format_float(double value) {
  std::string out;
  append_float(value, &out);
  return out;
}

std::string format_float_general(double value) {
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || !std::isfinite(value) || (magnitude >= 1e-4 && magnitude < 1e6)) return format_float(value);
  std::array<char, 64> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  return std::string(buffer.data(), end);
}

}  // namespace cordwood::query
