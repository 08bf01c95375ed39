// SPDX-License-Identifier: Apache-2.0
#include "query/unicode_case.h"

#include <locale.h>
#include <wctype.h>

#include "query/logql_scanner.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

/// The C library's Unicode tables, without touching the process's locale.  Null where the system has none.
locale_t unicode_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

template <typename Map>
std::string map_runes(std::string_view text, Map&& map) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out += static_cast<char>(map(c));
      ++i;
      continue;
    }
    const Utf8Rune rune = decode_utf8(text, i);
    append_utf8(map(rune.value), &out);
    i += rune.size;
  }
  return out;
}

bool is_separator(char32_t rune) {
  if (rune < 0x80) return !is_letter(rune) && !(rune >= '0' && rune <= '9') && rune != '_';
  return rune == 0x85 || rune == 0xA0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 ||
         rune == 0x2029 || rune == 0x202F || rune == 0x205F || rune == 0x3000;
}

}  // namespace

char32_t to_upper_rune(char32_t rune) {
  if (rune < 0x80) return rune >= 'a' && rune <= 'z' ? rune - 0x20 : rune;
  const locale_t locale = unicode_locale();
  return locale == nullptr ? rune : static_cast<char32_t>(towupper_l(static_cast<wint_t>(rune), locale));
}

char32_t to_lower_rune(char32_t rune) {
  if (rune < 0x80) return rune >= 'A' && rune <= 'Z' ? rune + 0x20 : rune;
  const locale_t locale = unicode_locale();
  return locale == nullptr ? rune : static_cast<char32_t>(towlower_l(static_cast<wint_t>(rune), locale));
}

std::string to_upper_text(std::string_view text) {
  return map_runes(text, to_upper_rune);
}
std::string to_lower_text(std::string_view text) {
  return map_runes(text, to_lower_rune);
}

std::string to_title_text(std::string_view text) {
  char32_t last = ' ';
  return map_runes(text, [&last](char32_t rune) {
    const bool starts_word = is_separator(last);
    last = rune;
    return starts_word ? to_upper_rune(rune) : rune;
  });
}

}  // namespace cordwood::query
