// SPDX-License-Identifier: Apache-2.0
#include "query/json_walk.h"

#include "storage/base/ascii.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

/// The four digits behind two bytes of escape mark; the mark itself is not checked for a second surrogate.
bool read_unicode_escape(std::string_view text, char32_t* rune) {
  if (text.size() < 6) return false;
  char32_t value = 0;
  for (size_t i = 2; i < 6; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return false;
    value = value * 16 + static_cast<char32_t>(digit);
  }
  *rune = value;
  return true;
}

/// Decodes the \u escape (or pair of them) that starts `text`; returns its length, 0 when it is wrong.
size_t append_unicode_escape(std::string_view text, std::string* out) {
  char32_t first = 0;
  if (!read_unicode_escape(text, &first)) return 0;
  if (first < 0xD800 || first > 0xDFFF) {
    append_utf8(first, out);
    return 6;
  }
  char32_t second = 0;
  if (!read_unicode_escape(text.substr(6), &second) || second < 0xDC00) return 0;
  const char32_t rune = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  if (rune > 0x10FFFF) {
    *out += kReplacementText;
  } else {
    append_utf8(rune, out);
  }
  return 12;
}

char json_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

/// Offset behind the bracket that closes the one at `at`; npos when there is none.  Brackets of the other kind are
/// not looked at.
size_t json_block_end(std::string_view data, size_t at, char open, char close) {
  size_t level = 0;
  for (; at < data.size(); ++at) {
    const char c = data[at];
    if (c == '"') {
      bool escaped = false;
      const size_t end = json_string_end(data, at + 1, &escaped);
      if (end == std::string_view::npos) return end;
      at = end - 1;
    } else if (c == open) {
      ++level;
    } else if (c == close && --level == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

bool ends_bare_value(char c) {
  return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

JsonFault read_bare_value(std::string_view data, size_t at, JsonValue* out) {
  size_t end = at;
  while (end < data.size() && !ends_bare_value(data[end])) ++end;
  out->text = data.substr(at, end - at);
  out->end = end;
  switch (data[at]) {
    case 't':
    case 'f':
      out->type = JsonType::boolean;
      return out->text == "true" || out->text == "false" ? JsonFault::none : JsonFault::unknown_type;
    case 'n':
    case 'u': out->type = JsonType::null; return out->text == "null" ? JsonFault::none : JsonFault::unknown_type;
    default:
      out->type = JsonType::number;
      return data[at] == '-' || (data[at] >= '0' && data[at] <= '9') ? JsonFault::none : JsonFault::unknown_type;
  }
}

}  // namespace

std::string_view fault_text(JsonFault fault) {
  switch (fault) {
    case JsonFault::none:
    case JsonFault::stopped: return "";
    case JsonFault::malformed: return "Malformed JSON error";
    case JsonFault::object: return "Value looks like object, but can't find closing '}' symbol";
    case JsonFault::array: return "Value is array, but can't find closing ']' symbol";
    case JsonFault::string: return "Value is string, but can't find closing '\"' symbol";
    case JsonFault::unknown_type: return "Unknown value type";
    case JsonFault::escape: return "Encountered an invalid escape sequence in a string";
  }
  return "";
}

JsonFault read_json_value(std::string_view data, size_t at, JsonValue* out) {
  at = next_json_token(data, at);
  if (at == std::string_view::npos) return JsonFault::malformed;
  switch (data[at]) {
    case '"': {
      bool escaped = false;
      out->type = JsonType::string;
      out->end = json_string_end(data, at + 1, &escaped);
      if (out->end == std::string_view::npos) return JsonFault::string;
      out->text = data.substr(at + 1, out->end - at - 2);
      return JsonFault::none;
    }
    case '[':
      out->type = JsonType::array;
      out->end = json_block_end(data, at, '[', ']');
      if (out->end == std::string_view::npos) return JsonFault::array;
      break;
    case '{':
      out->type = JsonType::object;
      out->end = json_block_end(data, at, '{', '}');
      if (out->end == std::string_view::npos) return JsonFault::object;
      break;
    default: return read_bare_value(data, at, out);
  }
  out->text = data.substr(at, out->end - at);
  return JsonFault::none;
}

bool append_json_unescaped(std::string_view text, std::string* out) {
  for (;;) {
    const size_t slash = text.find('\\');
    out->append(text.substr(0, slash));
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash);
    if (text.size() < 2) return false;
    if (text[1] == 'u') {
      const size_t length = append_unicode_escape(text, out);
      if (length == 0) return false;
      text.remove_prefix(length);
      continue;
    }
    const char plain = json_escape(text[1]);
    if (plain == '\0') return false;
    *out += plain;
    text.remove_prefix(2);
  }
}

std::string_view without_replacement_runes(std::string_view text, std::string* scratch) {
  if (!has_replacement_rune(text)) return text;
  // `text` may be a view into *scratch; a byte never moves to the right, so this works in place.
  const bool in_place = text.data() == scratch->data();
  if (!in_place) scratch->assign(text);
  size_t write = 0;
  for (size_t read = 0; read < scratch->size();) {
    const Utf8Rune rune = decode_utf8(*scratch, read);
    if (rune.valid && rune.value != 0xFFFD) {
      for (size_t i = 0; i < rune.size; ++i) (*scratch)[write++] = (*scratch)[read + i];
    } else {
      (*scratch)[write++] = ' ';
    }
    read += rune.size;
  }
  scratch->resize(write);
  return *scratch;
}

std::string_view json_label_value(std::string_view text, std::string* scratch) {
  if (text.find('\\') == std::string_view::npos) return without_replacement_runes(text, scratch);
  scratch->clear();
  if (!append_json_unescaped(text, scratch)) return "";
  return without_replacement_runes(*scratch, scratch);
}

}  // namespace cordwood::query
