// SPDX-License-Identifier: Apache-2.0
#include "storage/model/utf8.h"

#include <re2/re2.h>

namespace cordwood {

namespace {
bool is_continuation(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}
}  // namespace

Utf8Rune decode_utf8(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1, true};
  uint8_t size = 0;
  char32_t value = 0;
  char32_t least = 0;
  if ((lead & 0xE0) == 0xC0) {
    size = 2, value = lead & 0x1F, least = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    size = 3, value = lead & 0x0F, least = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    size = 4, value = lead & 0x07, least = 0x10000;
  } else {
    return {};
  }
  for (uint8_t i = 1; i < size; ++i) {
    if (!is_continuation(text, at + i)) return {};
    value = (value << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, size, true};
}

void append_utf8(char32_t r, std::string* out) {
  if (r > 0x10FFFF || (r >= 0xD800 && r <= 0xDFFF)) r = 0xFFFD;
  if (r < 0x80) {
    *out += static_cast<char>(r);
  } else if (r < 0x800) {
    *out += static_cast<char>(0xC0 | (r >> 6));
    *out += static_cast<char>(0x80 | (r & 0x3F));
  } else if (r < 0x10000) {
    *out += static_cast<char>(0xE0 | (r >> 12));
    *out += static_cast<char>(0x80 | ((r >> 6) & 0x3F));
    *out += static_cast<char>(0x80 | (r & 0x3F));
  } else {
    *out += static_cast<char>(0xF0 | (r >> 18));
    *out += static_cast<char>(0x80 | ((r >> 12) & 0x3F));
    *out += static_cast<char>(0x80 | ((r >> 6) & 0x3F));
    *out += static_cast<char>(0x80 | (r & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Rune rune = decode_utf8(text, i);
    if (!rune.valid) return false;
    i += rune.size;
  }
  return true;
}

bool has_replacement_rune(std::string_view text) {
  return text.find(kReplacementText) != std::string_view::npos || !is_valid_utf8(text);
}

bool is_printable(char32_t rune) {
  if (rune < 0x80) return rune >= 0x20 && rune < 0x7f;
  static const RE2 graphic("[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]");
  std::string text;
  append_utf8(rune, &text);
  return RE2::FullMatch(text, graphic);
}

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t i = 0;
  while (i < text.size()) {
    const Utf8Rune rune = decode_utf8(text, i);
    if (rune.valid) {
      out.append(text.substr(i, rune.size));
    } else {
      append_utf8(0xFFFD, &out);
    }
    i += rune.size;
  }
  return out;
}

}  // namespace cordwood
