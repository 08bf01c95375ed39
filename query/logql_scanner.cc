// SPDX-License-Identifier: Apache-2.0
#include "query/logql_scanner.h"

#include "storage/base/ascii.h"

namespace cordwood::query {

namespace {

char lower(char c) {
  return static_cast<char>(c | 0x20);
}

}  // namespace

bool is_letter(char32_t rune) {
  if (rune < 0x80) return (rune | 0x20) >= 'a' && (rune | 0x20) <= 'z';
  if (rune < 0xC0) return rune == 0xAA || rune == 0xB5 || rune == 0xBA;
  // General punctuation, symbols, arrows, box drawing; private use; emoji.
  if (rune == 0xD7 || rune == 0xF7 || (rune >= 0x2000 && rune < 0x2C00) || rune == 0xFFFD) return false;
  if (rune >= 0x3000 && rune <= 0x3004) return false;
  return !(rune >= 0xE000 && rune < 0xF900) && !(rune >= 0x1F000 && rune < 0x20000);
}

void LogqlScanner::advance() {
  if (text_[at_] == '\n') {
    ++line_;
    column_ = 1;
    ++at_;
    return;
  }
  at_ += decode_utf8(text_, at_).size;
  ++column_;
}

void LogqlScanner::take_raw(size_t count) {
  const size_t stop = at_ + count;
  while (at_ < stop && at_ < text_.size()) advance();
  token_line_ = 0;
}

LogqlScanner::Kind LogqlScanner::fail(const char* message) {
  error_ = message;
  return Kind::error;
}

bool LogqlScanner::skip_space_and_comments() {
  while (!at_end()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      advance();
    } else if (rest().starts_with("//")) {
      while (!at_end() && text_[at_] != '\n') advance();
    } else if (rest().starts_with("/*")) {
      token_line_ = line_;
      token_column_ = column_;
      const size_t close = text_.find("*/", at_ + 2);
      const size_t stop = close == std::string_view::npos ? text_.size() : close + 2;
      while (at_ < stop) advance();
      if (close == std::string_view::npos) return false;
    } else {
      break;
    }
  }
  return true;
}

LogqlScanner::Kind LogqlScanner::scan() {
  if (!skip_space_and_comments()) return fail("comment not terminated");
  start_ = at_;
  token_line_ = line_;
  token_column_ = column_;
  if (text_.empty()) token_line_ = token_column_ = 0;
  if (at_end()) return Kind::end;
  const char c = text_[at_];
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return scan_number();
  if (c == '"') return scan_string();
  if (c == '`') return scan_raw_string();
  if (c == '\0') return fail("invalid character NUL");
  const Utf8Rune rune = decode_utf8(text_, at_);
  if (!rune.valid) return fail("invalid UTF-8 encoding");
  advance();
  if (c != '_' && !is_letter(rune.value)) return Kind::other;
  while (!at_end()) {
    const Utf8Rune next = decode_utf8(text_, at_);
    if (!next.valid || !(next.value == '_' || is_letter(next.value) || (next.value >= '0' && next.value <= '9'))) break;
    advance();
  }
  return Kind::identifier;
}

bool LogqlScanner::scan_exponent(char lower_mark) {
  if (at_end() || lower(text_[at_]) != lower_mark) return true;
  advance();
  if (!at_end() && (text_[at_] == '+' || text_[at_] == '-')) advance();
  const size_t before = at_;
  while (!at_end() && (is_digit(text_[at_]) || text_[at_] == '_')) advance();
  return at_ > before;
}

LogqlScanner::Kind LogqlScanner::scan_digits_after_prefix() {
  const char mark = lower(text_[at_ + 1]);
  advance();
  advance();
  const size_t digits = at_;
  bool point = false;
  while (!at_end()) {
    const char c = text_[at_];
    const bool take = (mark == 'x' ? is_hex_digit(c) : is_digit(c)) || c == '_' || (c == '.' && mark == 'x' && !point);
    if (!take) break;
    if (c == '.') point = true;
    if (mark == 'b' && c > '1' && is_digit(c)) return fail("invalid digit in binary literal");
    if (mark == 'o' && (c == '8' || c == '9')) return fail("invalid digit in octal literal");
    advance();
  }
  if (at_ == digits) {
    return fail(mark == 'x'   ? "hexadecimal literal has no digits"
                : mark == 'o' ? "octal literal has no digits"
                              : "binary literal has no digits");
  }
  if (mark == 'x') {
    const bool exponent = !at_end() && lower(text_[at_]) == 'p';
    if (point && !exponent) return fail("hexadecimal mantissa requires a 'p' exponent");
    if (!scan_exponent('p')) return fail("exponent has no digits");
  }
  return Kind::number;
}

LogqlScanner::Kind LogqlScanner::scan_number() {
  if (text_[at_] == '0' && at_ + 1 < text_.size()) {
    const char mark = lower(text_[at_ + 1]);
    if (mark == 'x' || mark == 'o' || mark == 'b') return scan_digits_after_prefix();
  }
  while (!at_end() && (is_digit(text_[at_]) || text_[at_] == '_')) advance();
  bool whole = true;
  if (!at_end() && text_[at_] == '.') {
    whole = false;
    advance();
    while (!at_end() && (is_digit(text_[at_]) || text_[at_] == '_')) advance();
  }
  if (!at_end() && lower(text_[at_]) == 'e') {
    whole = false;
    if (!scan_exponent('e')) return fail("exponent has no digits");
  }
  const std::string_view digits = token_text();
  if (whole && digits.size() > 1 && digits[0] == '0' && digits.find_first_of("89") != std::string_view::npos) {
    return fail(digits.find('8') < digits.find('9') ? "invalid digit '8' in octal literal"
                                                    : "invalid digit '9' in octal literal");
  }
  return Kind::number;
}

/// At a backslash; takes the escape.
bool LogqlScanner::scan_escape() {
  advance();
  if (at_end()) return true;  // the missing quote is the error to report
  const char c = text_[at_];
  int digits = 0;
  switch (c) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
    case '"': advance(); return true;
    case 'x': digits = 2; break;
    case 'u': digits = 4; break;
    case 'U': digits = 8; break;
    default: digits = c >= '0' && c <= '7' ? 3 : 0; break;
  }
  if (digits == 0) return false;
  if (!is_digit(c)) advance();
  for (int i = 0; i < digits; ++i) {
    if (at_end()) return true;
    const bool good = is_digit(c) ? text_[at_] >= '0' && text_[at_] <= '7' : is_hex_digit(text_[at_]);
    if (!good) return false;
    advance();
  }
  return true;
}

LogqlScanner::Kind LogqlScanner::scan_string() {
  advance();
  while (!at_end() && text_[at_] != '\n') {
    const char c = text_[at_];
    if (c == '"') {
      advance();
      return Kind::string;
    }
    if (c == '\\') {
      if (!scan_escape()) return fail("invalid char escape");
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x80 && !decode_utf8(text_, at_).valid) return fail("invalid UTF-8 encoding");
    advance();
  }
  return fail("literal not terminated");
}

LogqlScanner::Kind LogqlScanner::scan_raw_string() {
  advance();
  while (!at_end()) {
    if (text_[at_] == '`') {
      advance();
      return Kind::string;
    }
    if (static_cast<unsigned char>(text_[at_]) >= 0x80 && !decode_utf8(text_, at_).valid) {
      return fail("invalid UTF-8 encoding");
    }
    advance();
  }
  return fail("literal not terminated");
}

namespace {

/// Reads the number of an \x, \u, \U or octal escape whose mark is at `at`; moves past it.
bool append_numeric_escape(std::string_view body, size_t* at, std::string* out) {
  const char mark = body[*at];
  const bool octal = is_digit(mark);
  const size_t digits = octal ? 3 : mark == 'x' ? 2 : mark == 'u' ? 4 : 8;
  if (!octal) ++*at;
  if (*at + digits > body.size()) return false;
  uint64_t value = 0;
  for (size_t i = 0; i < digits; ++i, ++*at) {
    const char c = body[*at];
    if (octal ? c < '0' || c > '7' : !is_hex_digit(c)) return false;
    value = value * (octal ? 8 : 16) + static_cast<uint64_t>(hex_value(c));
  }
  if (octal || mark == 'x') {
    if (value > 255) return false;
    *out += static_cast<char>(value);
    return true;
  }
  if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
  append_utf8(static_cast<char32_t>(value), out);
  return true;
}

char go_escape(char c) {
  switch (c) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\': return '\\';
    case '"': return '"';
    default: return '\0';
  }
}

}  // namespace

bool unquote_go(std::string_view quoted, std::string* out) {
  out->clear();
  if (quoted.size() < 2 || quoted.front() != quoted.back()) return false;
  const std::string_view body = quoted.substr(1, quoted.size() - 2);
  if (quoted.front() == '`') {
    for (const char c : body) {
      if (c != '\r') *out += c;
    }
    return body.find('`') == std::string_view::npos;
  }
  if (quoted.front() != '"') return false;
  for (size_t i = 0; i < body.size();) {
    if (body[i] == '"' || body[i] == '\n') return false;
    if (body[i] != '\\') {
      *out += body[i++];
      continue;
    }
    if (++i >= body.size()) return false;
    if (const char simple = go_escape(body[i]); simple != '\0') {
      *out += simple;
      ++i;
    } else if (body[i] == 'x' || body[i] == 'u' || body[i] == 'U' || (body[i] >= '0' && body[i] <= '7')) {
      if (!append_numeric_escape(body, &i, out)) return false;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace cordwood::query
