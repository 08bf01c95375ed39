// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "storage/model/utf8.h"

namespace cordwood::api {
namespace {

/// Bytes that cannot stand as they are.
struct SpecialBytes {
  std::array<bool, 256> plain{};
  std::array<bool, 256> html{};
  constexpr SpecialBytes() {
    for (size_t c = 0; c < 256; ++c) plain[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
    html = plain;
    html['<'] = html['>'] = html['&'] = true;
  }
};
constexpr SpecialBytes kSpecial;

void append_escape(unsigned value, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out->push_back(kHex[(value >> shift) & 15]);
}

void append_ascii_special(char c, std::string* out) {
  switch (c) {
    case '"': out->append("\\\""); break;
    case '\\': out->append("\\\\"); break;
    case '\n': out->append("\\n"); break;
    case '\r': out->append("\\r"); break;
    case '\t': out->append("\\t"); break;
    default: append_escape(static_cast<unsigned char>(c), out);
  }
}

}  // namespace

void append_json_string(std::string_view text, JsonEscape escape, std::string* out) {
  const auto& special = escape == JsonEscape::html ? kSpecial.html : kSpecial.plain;
  out->push_back('"');
  size_t copied = 0;
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (!special[byte]) {
      ++i;
      continue;
    }
    if (byte < 0x80) {
      out->append(text, copied, i - copied);
      append_ascii_special(text[i], out);
      copied = ++i;
      continue;
    }
    const Utf8Rune rune = decode_utf8(text, i);
    const bool separator = escape == JsonEscape::html && (rune.value == 0x2028 || rune.value == 0x2029);
    if (!rune.valid || separator) {
      out->append(text, copied, i - copied);
      append_escape(rune.valid ? static_cast<unsigned>(rune.value) : 0xFFFD, out);
      copied = i + rune.size;
    }
    i += rune.size;
  }
  out->append(text, copied, text.size() - copied);
  out->push_back('"');
}

void append_integer(int64_t value, std::string* out) {
  char digits[24];
  out->append(digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits));
}

void append_unsigned(uint64_t value, std::string* out) {
  char digits[24];
  out->append(digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits));
}

void append_go_float(double value, std::string* out) {
  if (std::isnan(value)) return void(out->append("NaN"));
  if (std::isinf(value)) return void(out->append(value > 0 ? "+Inf" : "-Inf"));
  // d.ddde±x gives the shortest digits; they are laid out here, because the library's fixed form prints all digits.
  char text[40];
  const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* p = text;
  if (*p == '-') {
    out->push_back('-');
    ++p;
  }
  const std::string_view all(p, static_cast<size_t>(end - p));
  const size_t e = all.find('e');
  int exponent = 0;
  const std::string_view power = all.substr(e + (all[e + 1] == '+' ? 2 : 1));
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  std::string digits(1, all[0]);
  if (e > 2) digits.append(all.substr(2, e - 2));
  const int count = static_cast<int>(digits.size());
  if (exponent < 0) {
    out->append("0.").append(static_cast<size_t>(-exponent - 1), '0').append(digits);
  } else if (exponent + 1 >= count) {
    out->append(digits).append(static_cast<size_t>(exponent + 1 - count), '0');
  } else {
    out->append(digits, 0, static_cast<size_t>(exponent) + 1).push_back('.');
    out->append(digits, static_cast<size_t>(exponent) + 1);
  }
}

void append_short_float(double value, std::string* out) {
  append_go_float(std::round(value * 1e6) / 1e6, out);
}

void append_seconds(int64_t time_ms, std::string* out) {
  if (time_ms < 0) {
    out->push_back('-');
    time_ms = -time_ms;
  }
  append_integer(time_ms / 1000, out);
  auto fraction = static_cast<unsigned>(time_ms % 1000);
  if (fraction == 0) return;
  out->push_back('.');
  for (unsigned unit = 100; fraction != 0; unit /= 10) {
    out->push_back(static_cast<char>('0' + fraction / unit));
    fraction %= unit;
  }
}

void append_base64(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) out->push_back(k <= n ? kDigits[(group >> (18 - 6 * k)) & 63] : '=');
  }
}

}  // namespace cordwood::api
