// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/arena.h"
#include "storage/base/result.h"

namespace cordwood::ingest {

/// Text between the quotes of a JSON string, as it stands.
struct RawString {
  std::string_view text;
  bool escaped = false;  ///< contains a backslash
};

/// Replaces `out` by the text with its escapes decoded.  False for an escape JSON does not have and for half a
/// surrogate pair.  Bytes that are not UTF-8 pass as they are.
bool unescape_json(std::string_view raw, std::string* out);
/// The same into an arena; text without escapes stays where it is.
bool unescape_json(const RawString& raw, Arena* arena, std::string_view* out);

enum class JsonKind : uint8_t { object, array, string, number, boolean, null, invalid };

/// Reads JSON from front to back without a tree and without padding; strings may hold any bytes.  After the first
/// mistake every call says no and error() tells where it was.  Not thread-safe.
///
///     if (in.enter_object()) while (in.next_key(&key)) …read or skip one value…
class JsonReader {
 public:
  explicit JsonReader(std::string_view text, size_t at = 0)
      : begin_(text.data()), p_(text.data() + at), end_(text.data() + text.size()) {}

  /// Kind of the next value; `invalid` at the end of the text too.
  JsonKind peek();
  /// Consumes `{`; the first next_key() or its `}` follows.
  bool enter_object();
  /// True with the next key read and its colon consumed; false after `}` or a mistake.
  bool next_key(RawString* key);
  bool enter_array();
  /// True in front of the next element; false after `]` or a mistake.
  bool next_element();
  bool read_string(RawString* out);
  /// Passes one value of any kind; `raw` (may be null) becomes its text.
  bool skip_value(std::string_view* raw = nullptr);

  size_t position() const { return static_cast<size_t>(p_ - begin_); }
  bool failed() const { return message_ != nullptr; }
  bool at_end();
  /// invalid, with the byte position.
  Error error() const;

 private:
  void skip_space();
  bool fail(const char* message);
  bool skip_scalar();
  bool skip_nested();

  const char* begin_;
  const char* p_;
  const char* end_;
  const char* message_ = nullptr;
  bool first_ = false;  ///< just inside a bracket
};

}  // namespace cordwood::ingest
