// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "query/field_sink.h"
#include "query/json_walk.h"

namespace cordwood::query {

/// The `json` stage without expressions: every string, number and boolean of an object is a field; names of nested
/// ones are joined with `_` and sanitized.  Nulls and arrays are skipped.  Keeps scratch memory: one thread at a time.
class JsonExtractor {
 public:
  /// Error: JSONParserErr.  Fields found before it have been given.
  ExtractOutcome extract(std::string_view line, FieldSink* sink);
  /// Within on_field(): the keys that lead to the field, decoded.
  const std::vector<std::string_view>& path() const { return path_; }

 private:
  JsonFault walk(std::string_view object, FieldSink* sink);
  JsonFault on_member(std::string_view key, const JsonValue& value, FieldSink* sink);

  std::vector<std::string_view> path_;
  std::string name_;                    ///< sanitized so far
  std::string key_;                     ///< scratch of an escaped key
  std::deque<std::string> outer_keys_;  ///< escaped keys of the objects around a member
  std::string value_;                   ///< scratch of an escaped value
};

}  // namespace cordwood::query
