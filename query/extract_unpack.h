// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/field_sink.h"

namespace cordwood::query {

/// The `unpack` stage.  Keeps scratch memory: one thread at a time.
class UnpackExtractor {
 public:
  /// Gives the string members of the object only when one of them is `_entry`; *entry is then its value, else the
  /// line.  It holds until the next call.  Error: JSONParserErr.
  ExtractOutcome extract(std::string_view line, FieldSink* sink, std::string_view* entry);

 private:
  std::string entry_;
  std::string key_;
  std::string value_;
  std::string text_;                                ///< names and values, one after the other
  std::vector<std::pair<size_t, size_t>> lengths_;  ///< of each name and its value
};

}  // namespace cordwood::query
