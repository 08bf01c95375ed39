// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/field_sink.h"
#include "query/json_walk.h"

namespace cordwood::query {

/// The `json` stage without expressions: every string, number and boolean of an object is a field; names of nested
/// ones are joined with `_` and sanitized.  Nulls and arrays are skipped.  Remembers keys, which lines tend to share:
/// one thread at a time.
class JsonExtractor {
 public:
  /// `sink` lives as long as the extractor.
  explicit JsonExtractor(FieldSink* sink) : sink_(sink) {}
  /// Error: JSONParserErr.  Fields found before it have been given.
  ExtractOutcome extract(std::string_view line);
  /// Within on_field(): the keys that lead to the field, decoded.
  const std::vector<std::string_view>& path() const { return path_; }

 private:
  /// A key of an object, and what is the same in all lines.
  struct Key {
    std::string text;
    std::string name;    ///< of the field: sanitized and joined
    bool read = false;   ///< a field of this name may be wanted
    bool enter = false;  ///< one within an object may be
    std::vector<std::unique_ptr<Key>> members;
  };
  JsonFault walk(std::string_view object, Key* around);
  JsonFault on_member(Key* key, const JsonValue& value);
  /// `*next`: where the key lies if this object's keys come in the order of the objects before.  Null: not known, and
  /// there are too many to remember one more.
  Key* find(std::string_view text, Key* around, size_t* next);
  Key make_key(std::string_view text, const Key& around) const;

  FieldSink* sink_;
  Key line_;
  size_t remembered_ = 0;
  std::vector<std::string_view> path_;
  std::string key_;    ///< scratch of an escaped key
  std::string value_;  ///< scratch of an escaped value
};

}  // namespace cordwood::query
