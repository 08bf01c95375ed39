// SPDX-License-Identifier: Apache-2.0
#include "storage/column_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "storage/base/ascii.h"
#include "storage/base/decimal_width.h"
#include "storage/model/time_range.h"

namespace cordwood {

namespace {

constexpr int64_t kPowers[] = {1,
                               10,
                               100,
                               1'000,
                               10'000,
                               100'000,
                               1'000'000,
                               10'000'000,
                               100'000'000,
                               1'000'000'000,
                               10'000'000'000,
                               100'000'000'000,
                               1'000'000'000'000,
                               10'000'000'000'000,
                               100'000'000'000'000,
                               1'000'000'000'000'000,
                               10'000'000'000'000'000,
                               100'000'000'000'000'000,
                               1'000'000'000'000'000'000};

uint64_t magnitude_of(int64_t value) {
  return value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

/// Up to 18 digits.
bool parse_digits(std::string_view text, uint64_t* value) {
  if (text.empty() || text.size() > 18) return false;
  uint64_t v = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    v = v * 10 + static_cast<uint64_t>(c - '0');
  }
  *value = v;
  return true;
}

/// Values of hex digits of one case; 0xff for what is none.
struct HexTable {
  uint8_t value[256];
  explicit constexpr HexTable(char letter_a) : value() {
    for (uint8_t& v : value) v = 0xff;
    for (int i = 0; i < 10; ++i) value['0' + i] = static_cast<uint8_t>(i);
    for (int i = 0; i < 6; ++i) value[letter_a + i] = static_cast<uint8_t>(10 + i);
  }
};
constexpr HexTable kLowerHex('a');
constexpr HexTable kUpperHex('A');

void append_padded(uint64_t value, uint32_t digits, std::string* out) {
  char raw[20];
  for (uint32_t i = digits; i > 0; --i) {
    raw[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out->append(raw, digits);
}

}  // namespace

bool parse_integer(std::string_view text, int64_t* value) {
  if (text.empty() || text.size() > 20) return false;
  const bool negative = text[0] == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && (digits.size() > 1 || negative))) return false;
  uint64_t v = 0;
  if (digits.size() <= 18) {
    if (!parse_digits(digits, &v)) return false;
    *value = negative ? -static_cast<int64_t>(v) : static_cast<int64_t>(v);
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

void append_integer(int64_t value, std::string* out) {
  char raw[24];
  const auto result = std::to_chars(raw, raw + sizeof raw, value);
  out->append(raw, static_cast<size_t>(result.ptr - raw));
}

uint64_t integer_bytes(int64_t value) {
  return (value < 0 ? 1 : 0) + decimal_width(magnitude_of(value));
}

bool parse_decimal(std::string_view text, DecimalLayout layout, int64_t* mantissa) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction;
  if (point != std::string_view::npos) {
    fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.size() > layout.scale) return false;
    if (layout.trimmed && fraction.back() == '0') return false;
  }
  if (!layout.trimmed && fraction.size() != layout.scale) return false;
  if (whole.empty() || (whole[0] == '0' && whole.size() > 1) || whole.size() + layout.scale > 18) return false;
  uint64_t w = 0;
  uint64_t f = 0;
  if (!parse_digits(whole, &w) || (!fraction.empty() && !parse_digits(fraction, &f))) return false;
  const uint64_t magnitude = w * static_cast<uint64_t>(kPowers[layout.scale]) +
                             f * static_cast<uint64_t>(kPowers[layout.scale - fraction.size()]);
  if (negative && magnitude == 0) return false;
  *mantissa = negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
  return true;
}

void append_decimal(int64_t mantissa, DecimalLayout layout, std::string* out) {
  const uint8_t scale = std::min(layout.scale, kMaxDecimalScale);
  const uint64_t magnitude = magnitude_of(mantissa);
  if (mantissa < 0) *out += '-';
  const uint64_t power = static_cast<uint64_t>(kPowers[scale]);
  char raw[24];
  const auto whole = std::to_chars(raw, raw + sizeof raw, magnitude / power);
  out->append(raw, static_cast<size_t>(whole.ptr - raw));
  uint64_t fraction = magnitude % power;
  uint32_t digits = scale;
  if (layout.trimmed) {
    if (fraction == 0) return;
    for (; fraction % 10 == 0; fraction /= 10) --digits;
  }
  if (digits == 0) return;
  *out += '.';
  append_padded(fraction, digits, out);
}

uint64_t decimal_bytes(int64_t mantissa, DecimalLayout layout) {
  uint64_t magnitude = magnitude_of(mantissa);
  uint32_t digits = std::min(layout.scale, kMaxDecimalScale);
  if (layout.trimmed) {
    for (; digits > 0 && magnitude % 10 == 0; magnitude /= 10) --digits;
  }
  const uint64_t sign = mantissa < 0 ? 1 : 0, point = digits > 0 ? 1 : 0;
  return sign + std::max(decimal_width(magnitude), digits + 1) + point;
}

std::optional<uint8_t> decimal_digits(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  const size_t point = text.find('.');
  if (point == 0 || point == std::string_view::npos || point + 1 == text.size() || text.size() > 19)
    return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i)
    if (i != point && !is_digit(text[i])) return std::nullopt;
  return static_cast<uint8_t>(text.size() - point - 1);
}

bool parse_hex(std::string_view text, bool upper, char* out) {
  const uint8_t* values = upper ? kUpperHex.value : kLowerHex.value;
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* end = p + text.size();
  uint32_t seen = 0;  // the top bits tell of a byte that is no digit
  if (text.size() % 2 != 0) {
    seen = values[*p];
    *out++ = static_cast<char>(values[*p++]);
  }
  for (; p != end; p += 2) {
    const uint32_t high = values[p[0]];
    const uint32_t low = values[p[1]];
    seen |= high | low;
    *out++ = static_cast<char>(high << 4 | low);
  }
  return (seen & 0xf0) == 0;
}

void append_hex(const char* binary, uint32_t digits, bool upper, std::string* out) {
  const char* values = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  const size_t before = out->size();
  out->resize(before + digits);
  char* to = out->data() + before;
  if (digits % 2 != 0) *to++ = values[static_cast<uint8_t>(*binary++) & 15];
  for (uint32_t i = 0; i < digits / 2; ++i) {
    const uint8_t byte = static_cast<uint8_t>(*binary++);
    *to++ = values[byte >> 4];
    *to++ = values[byte & 15];
  }
}

namespace {
constexpr size_t kUuidDashes[] = {8, 13, 18, 23};
}

bool parse_uuid(std::string_view text, bool upper, char* out) {
  if (text.size() != kUuidBytes) return false;
  for (const size_t at : kUuidDashes)
    if (text[at] != '-') return false;
  return parse_hex(text.substr(0, 8), upper, out) && parse_hex(text.substr(9, 4), upper, out + 4) &&
         parse_hex(text.substr(14, 4), upper, out + 6) && parse_hex(text.substr(19, 4), upper, out + 8) &&
         parse_hex(text.substr(24), upper, out + 10);
}

void append_uuid(const char* binary, bool upper, std::string* out) {
  append_hex(binary, 8, upper, out);
  for (const uint32_t at : {4u, 6u, 8u}) {
    *out += '-';
    append_hex(binary + at, 4, upper, out);
  }
  *out += '-';
  append_hex(binary + 10, 12, upper, out);
}

std::optional<bool> hex_case(std::string_view text) {
  for (const char c : text) {
    if (c >= 'A' && c <= 'F') return true;
    if (c >= 'a' && c <= 'f') return false;
  }
  return std::nullopt;
}

bool parse_ipv4(std::string_view text, int64_t* value) {
  if (text.size() < 7 || text.size() > 15) return false;
  int64_t v = 0;
  size_t i = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (i >= text.size() || text[i++] != '.')) return false;
    const size_t begin = i;
    int64_t byte = 0;
    while (i < text.size() && is_digit(text[i]) && i - begin < 3) byte = byte * 10 + (text[i++] - '0');
    if (i == begin || byte > 255 || (text[begin] == '0' && i - begin > 1)) return false;
    v = v << 8 | byte;
  }
  *value = v;
  return i == text.size();
}

void append_ipv4(int64_t value, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    append_integer((value >> shift) & 255, out);
    if (shift > 0) *out += '.';
  }
}

std::optional<double> parse_plain_float(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  std::string_view rest = text;
  if (rest[0] == '+' || rest[0] == '-') rest.remove_prefix(1);
  if (rest.empty() || !(is_digit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && is_digit(rest[1]))))
    return std::nullopt;
  const std::string_view digits = text[0] == '+' ? rest : text;
  double v = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(v)) return std::nullopt;
  return v;
}

}  // namespace cordwood
