// SPDX-License-Identifier: Apache-2.0
#include "ingest/otlp_value.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "storage/model/utf8.h"

namespace cordwood::ingest {

namespace {

void append_base64(std::string_view bytes, std::string* out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) *out += k <= n ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
}

/// As Go's encoding/json prints a float64.
void append_real(double value, std::string* out) {
  if (std::isnan(value)) {
    *out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    *out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  const double magnitude = std::fabs(value);
  const bool scientific = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  char digits[400];
  const auto end = std::to_chars(digits, digits + sizeof digits, value,
                                 scientific ? std::chars_format::scientific : std::chars_format::fixed)
                       .ptr;
  std::string text(digits, end);
  // A one-digit negative exponent loses its zero: 1e-07 is 1e-7.
  const size_t size = text.size();
  if (scientific && size >= 4 && text[size - 4] == 'e' && text[size - 3] == '-' && text[size - 2] == '0') {
    text.erase(size - 2, 1);
  }
  *out += text;
}

void append_json_string(std::string_view text, std::string* out) {
  *out += '"';
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      ++i;
      switch (byte) {
        case '"': *out += "\\\""; break;
        case '\\': *out += "\\\\"; break;
        case '\b': *out += "\\b"; break;
        case '\f': *out += "\\f"; break;
        case '\n': *out += "\\n"; break;
        case '\r': *out += "\\r"; break;
        case '\t': *out += "\\t"; break;
        default:
          if (byte < 0x20) {
            *out += fmt::format("\\u{:04x}", byte);
          } else {
            *out += static_cast<char>(byte);
          }
      }
      continue;
    }
    const Utf8Rune rune = decode_utf8(text, i);
    if (!rune.valid) {
      *out += "\\ufffd";
    } else if (rune.value == 0x2028 || rune.value == 0x2029) {
      *out += rune.value == 0x2028 ? "\\u2028" : "\\u2029";
    } else {
      out->append(text.substr(i, rune.size));
    }
    i += rune.size;
  }
  *out += '"';
}

void append_json_map(const std::vector<OtlpAttribute>& members, std::string* out) {
  std::vector<const OtlpAttribute*> sorted;
  sorted.reserve(members.size());
  for (const OtlpAttribute& member : members) sorted.push_back(&member);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
  *out += '{';
  bool first = true;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i + 1 < sorted.size() && sorted[i + 1]->key == sorted[i]->key) continue;  // a map keeps the last
    if (!first) *out += ',';
    first = false;
    append_json_string(sorted[i]->key, out);
    *out += ':';
    sorted[i]->value.append_json(out);
  }
  *out += '}';
}

}  // namespace

void OtlpValue::append_json(std::string* out) const {
  switch (kind) {
    case Kind::empty: *out += "null"; return;
    case Kind::text: append_json_string(text, out); return;
    case Kind::bytes:
      *out += '"';
      append_base64(text, out);
      *out += '"';
      return;
    case Kind::array:
      *out += '[';
      for (size_t i = 0; i < items.size(); ++i) {
        if (i > 0) *out += ',';
        items[i].append_json(out);
      }
      *out += ']';
      return;
    case Kind::map: append_json_map(members, out); return;
    default: append_text(out); return;
  }
}

void OtlpValue::append_text(std::string* out) const {
  switch (kind) {
    case Kind::empty: return;
    case Kind::text: *out += text; return;
    case Kind::boolean: *out += boolean ? "true" : "false"; return;
    case Kind::integer: *out += fmt::format("{}", integer); return;
    case Kind::real: append_real(real, out); return;
    case Kind::bytes: append_base64(text, out); return;
    case Kind::array:
    case Kind::map: append_json(out); return;
  }
}

}  // namespace cordwood::ingest
