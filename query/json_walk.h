// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/base/byte_scan.h"

/// A lenient JSON reader: it looks only at what it walks over, as Loki's parser stages do.  Everything behind the
/// closing brace of the object read is ignored, numbers are not checked, a comma before the brace is accepted.
namespace cordwood::query {

enum class JsonType : unsigned char { string, number, boolean, null, object, array };

/// Why a walk ended; `stopped` is the visitor's wish.
enum class JsonFault : unsigned char { none, stopped, malformed, object, array, string, unknown_type, escape };
/// As it stands in __error_details__; empty for none and stopped.
std::string_view fault_text(JsonFault fault);

struct JsonValue {
  JsonType type = JsonType::null;
  std::string_view text;  ///< strings without their quotes, still escaped
  size_t end = 0;         ///< offset behind the value
};

/// Offset of the first byte that is not JSON white space; npos at the end.
inline size_t next_json_token(std::string_view data, size_t at) {
  for (; at < data.size(); ++at) {
    const char c = data[at];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return at;
  }
  return std::string_view::npos;
}
/// Offset behind the closing quote of a string whose body starts at `at`; npos when there is none.
inline size_t json_string_end(std::string_view data, size_t at, bool* escaped) {
  *escaped = false;
  const char* const quote = find_string_end(data.data() + at, data.data() + data.size(), escaped);
  return quote == nullptr ? std::string_view::npos : static_cast<size_t>(quote - data.data()) + 1;
}
/// Reads the value at or behind `at`; nested ones are only skipped over.
JsonFault read_json_value(std::string_view data, size_t at, JsonValue* out);

/// Appends `text` with escapes decoded; false on a bad escape.
bool append_json_unescaped(std::string_view text, std::string* out);
/// The label value for a string body: decoded, U+FFFD and invalid bytes as a space, empty after a bad escape.
/// A view into `text` when nothing had to change, else into `scratch`.
std::string_view json_label_value(std::string_view text, std::string* scratch);
/// U+FFFD and invalid bytes as a space; a view into `text` when there are none.
std::string_view without_replacement_runes(std::string_view text, std::string* scratch);

/// Calls visit(key, value) -> JsonFault for the members of the object that starts the data; ends at the first fault.
/// The key is decoded; it holds for the call.
template <typename Visitor>
JsonFault for_each_json_member(std::string_view data, std::string* key_scratch, Visitor&& visit) {
  size_t at = next_json_token(data, 0);
  if (at == std::string_view::npos || data[at] != '{') return JsonFault::object;
  at = next_json_token(data, at + 1);
  if (at == std::string_view::npos) return JsonFault::malformed;
  while (at < data.size()) {
    if (data[at] == '}') return JsonFault::none;
    if (data[at] != '"') return JsonFault::object;
    bool escaped = false;
    const size_t key_start = at + 1;
    at = json_string_end(data, key_start, &escaped);
    if (at == std::string_view::npos) return JsonFault::malformed;
    std::string_view key = data.substr(key_start, at - key_start - 1);
    if (escaped) {
      key_scratch->clear();
      if (!append_json_unescaped(key, key_scratch)) return JsonFault::escape;
      key = *key_scratch;
    }
    at = next_json_token(data, at);
    if (at == std::string_view::npos || data[at] != ':') return JsonFault::malformed;
    JsonValue value;
    if (const JsonFault fault = read_json_value(data, at + 1, &value); fault != JsonFault::none) return fault;
    if (const JsonFault fault = visit(key, value); fault != JsonFault::none) return fault;
    at = next_json_token(data, value.end);
    if (at == std::string_view::npos) return JsonFault::array;
    if (data[at] == '}') return JsonFault::none;
    if (data[at] != ',') return JsonFault::object;
    at = next_json_token(data, at + 1);
    if (at == std::string_view::npos) return JsonFault::array;
  }
  return JsonFault::object;
}

}  // namespace cordwood::query
