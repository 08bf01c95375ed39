// SPDX-License-Identifier: Apache-2.0
#include "ingest/json_reader.h"

#include <cstring>

#include "storage/base/ascii.h"
#include "storage/base/byte_scan.h"
#include "storage/model/utf8.h"

namespace cordwood::ingest {

namespace {

/// Four hex digits at `p`; false when they are not there.
bool read_unit(const char* p, const char* end, char32_t* unit) {
  if (end - p < 4) return false;
  char32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(p[i]);
    if (digit < 0) return false;
    value = value << 4 | static_cast<char32_t>(digit);
  }
  *unit = value;
  return true;
}

size_t put_utf8(char32_t c, char* out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | c >> 6);
    out[1] = static_cast<char>(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | c >> 12);
    out[1] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out[2] = static_cast<char>(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | c >> 18);
  out[1] = static_cast<char>(0x80 | (c >> 12 & 0x3F));
  out[2] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
  out[3] = static_cast<char>(0x80 | (c & 0x3F));
  return 4;
}

/// `p` stands behind `\u`; moves it past the escape.
bool read_rune(const char** p, const char* end, char32_t* rune) {
  char32_t high = 0;
  if (!read_unit(*p, end, &high)) return false;
  *p += 4;
  *rune = high;
  if (high < 0xD800 || high > 0xDFFF) return true;
  char32_t low = 0;
  if (high > 0xDBFF || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u') return false;
  if (!read_unit(*p + 2, end, &low) || low < 0xDC00 || low > 0xDFFF) return false;
  *p += 6;
  *rune = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

/// Decoded text is never longer than its escaped form.  Returns its length, or SIZE_MAX.
size_t decode_escapes(std::string_view raw, char* out) {
  const char* p = raw.data();
  const char* end = p + raw.size();
  char* to = out;
  while (p < end) {
    const auto* slash = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)));
    const char* stop = slash != nullptr ? slash : end;
    std::memcpy(to, p, static_cast<size_t>(stop - p));
    to += stop - p;
    if (slash == nullptr) break;
    p = slash + 1;
    if (p == end) return SIZE_MAX;
    switch (*p++) {
      case '"': *to++ = '"'; break;
      case '\\': *to++ = '\\'; break;
      case '/': *to++ = '/'; break;
      case 'b': *to++ = '\b'; break;
      case 'f': *to++ = '\f'; break;
      case 'n': *to++ = '\n'; break;
      case 'r': *to++ = '\r'; break;
      case 't': *to++ = '\t'; break;
      case 'u': {
        char32_t rune = 0;
        if (!read_rune(&p, end, &rune)) return SIZE_MAX;
        to += put_utf8(rune, to);
        break;
      }
      default: return SIZE_MAX;
    }
  }
  return static_cast<size_t>(to - out);
}

}  // namespace

bool unescape_json(std::string_view raw, std::string* out) {
  out->resize(raw.size());
  const size_t size = decode_escapes(raw, out->data());
  if (size == SIZE_MAX) return false;
  out->resize(size);
  return true;
}

bool unescape_json(const RawString& raw, Arena* arena, std::string_view* out) {
  if (!raw.escaped) {
    *out = raw.text;
    return true;
  }
  char* space = arena->allocate(raw.text.size());
  const size_t size = decode_escapes(raw.text, space);
  if (size == SIZE_MAX) return false;
  *out = {space, size};
  return true;
}

void JsonReader::skip_space() {
  while (p_ < end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
}

bool JsonReader::fail(const char* message) {
  if (message_ == nullptr) message_ = message;
  return false;
}

bool JsonReader::at_end() {
  skip_space();
  return p_ == end_;
}

Error JsonReader::error() const {
  return Error::invalid(fmt::format("invalid JSON at byte {}: {}", position(), message_ != nullptr ? message_ : ""));
}

JsonKind JsonReader::peek() {
  if (failed()) return JsonKind::invalid;
  skip_space();
  if (p_ == end_) return JsonKind::invalid;
  switch (*p_) {
    case '{': return JsonKind::object;
    case '[': return JsonKind::array;
    case '"': return JsonKind::string;
    case 't':
    case 'f': return JsonKind::boolean;
    case 'n': return JsonKind::null;
    default: return *p_ == '-' || (*p_ >= '0' && *p_ <= '9') ? JsonKind::number : JsonKind::invalid;
  }
}

bool JsonReader::enter_object() {
  if (peek() != JsonKind::object) return fail("expected '{'");
  ++p_;
  first_ = true;
  return true;
}

bool JsonReader::next_key(RawString* key) {
  if (failed()) return false;
  skip_space();
  if (p_ == end_) return fail("unexpected end of input in an object");
  if (*p_ == '}') {
    ++p_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (*p_ != ',') return fail("expected ',' or '}'");
    ++p_;
  }
  if (!read_string(key)) return false;
  skip_space();
  if (p_ == end_ || *p_ != ':') return fail("expected ':'");
  ++p_;
  return true;
}

bool JsonReader::enter_array() {
  if (peek() != JsonKind::array) return fail("expected '['");
  ++p_;
  first_ = true;
  return true;
}

bool JsonReader::next_element() {
  if (failed()) return false;
  skip_space();
  if (p_ == end_) return fail("unexpected end of input in an array");
  if (*p_ == ']') {
    ++p_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (*p_ != ',') return fail("expected ',' or ']'");
    ++p_;
    skip_space();
  }
  first_ = false;
  return true;
}

bool JsonReader::read_string(RawString* out) {
  if (failed()) return false;
  skip_space();
  if (p_ == end_ || *p_ != '"') return fail("expected a string");
  const char* start = p_ + 1;
  out->escaped = false;
  const char* close = find_string_end(start, end_, &out->escaped);
  if (close == nullptr) return fail("a string has no end");
  out->text = {start, static_cast<size_t>(close - start)};
  p_ = close + 1;
  first_ = false;
  return true;
}

bool JsonReader::skip_value(std::string_view* raw) {
  if (failed()) return false;
  skip_space();
  const char* start = p_;
  const JsonKind kind = peek();
  bool good = false;
  if (kind == JsonKind::string) {
    RawString text;
    good = read_string(&text);
  } else if (kind == JsonKind::object || kind == JsonKind::array) {
    good = skip_nested();
  } else {
    good = skip_scalar();
  }
  if (good && raw != nullptr) *raw = {start, static_cast<size_t>(p_ - start)};
  return good;
}

bool JsonReader::skip_scalar() {
  const JsonKind kind = peek();
  const char* start = p_;
  while (p_ < end_ && *p_ != ',' && *p_ != '}' && *p_ != ']' && *p_ != ' ' && *p_ != '\n' && *p_ != '\r' &&
         *p_ != '\t') {
    ++p_;
  }
  first_ = false;
  const std::string_view text(start, static_cast<size_t>(p_ - start));
  if (kind == JsonKind::number || text == "true" || text == "false" || text == "null") return true;
  p_ = start;
  return fail("expected a value");
}

/// Brackets are only counted, whatever their kind: what is skipped need not be read.
bool JsonReader::skip_nested() {
  size_t depth = 0;
  while (p_ < end_) {
    const char c = *p_++;
    if (c == '"') {
      bool escaped = false;
      const char* close = find_string_end(p_, end_, &escaped);
      if (close == nullptr) return fail("a string has no end");
      p_ = close + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      first_ = false;
      return true;
    }
  }
  return fail("unexpected end of input");
}

}  // namespace cordwood::ingest
