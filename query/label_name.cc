// SPDX-License-Identifier: Apache-2.0
#include "query/label_name.h"

#include "storage/base/ascii.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

bool is_letter_or_underscore(char c) {
  return is_ascii_letter(c) || c == '_';
}

/// Bytes of the space rune at text[at]; 0 when it is none.
size_t space_at(std::string_view text, size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r') ? 1 : 0;
  const Utf8Rune rune = decode_utf8(text, at);
  switch (rune.value) {
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000: return rune.size;
    default: return rune.value >= 0x2000 && rune.value <= 0x200A ? rune.size : 0;
  }
}

}  // namespace

bool is_label_name(std::string_view text) {
  if (text.empty() || !is_letter_or_underscore(text[0])) return false;
  for (const char c : text) {
    if (!is_letter_or_underscore(c) && !is_digit(c)) return false;
  }
  return true;
}

std::string_view trim_space(std::string_view text) {
  while (!text.empty()) {
    const size_t size = space_at(text, 0);
    if (size == 0) break;
    text.remove_prefix(size);
  }
  while (!text.empty()) {
    size_t last = text.size() - 1;
    while (last > 0 && text.size() - last < 4 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    const size_t size = space_at(text, last);
    if (size == 0 || last + size != text.size()) break;
    text.remove_suffix(size);
  }
  return text;
}

void append_sanitized_label_name(std::string_view key, bool at_start, std::string* out) {
  key = trim_space(key);
  if (key.empty()) return;
  if (at_start && is_digit(key[0])) *out += '_';
  for (size_t i = 0; i < key.size();) {
    const char c = key[i];
    if (is_letter_or_underscore(c) || is_digit(c)) {
      *out += c;
      ++i;
    } else {
      *out += '_';
      i += static_cast<unsigned char>(c) < 0x80 ? 1 : decode_utf8(key, i).size;
    }
  }
}

}  // namespace cordwood::query
