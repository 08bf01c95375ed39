// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cordwood::query {

/// Takes the fields a parser stage finds in a line, in the order of the line.  Views hold until the call returns.
class FieldSink {
 public:
  virtual ~FieldSink() = default;
  /// False when a field of this name is wanted in no line; may be asked once for all.
  virtual bool may_want(std::string_view name) {
    (void)name;
    return true;
  }
  /// Asked before the value of a field is decoded; false skips it.
  virtual bool wants(std::string_view name) {
    (void)name;
    return true;
  }
  /// Whether nested JSON objects are entered whose fields would all start with `prefix` + `_`; false skips them unread,
  /// so that errors inside stay unseen.  May be asked once for all.
  virtual bool wants_object(std::string_view prefix) {
    (void)prefix;
    return true;
  }
  /// false ends the work on this line; what follows is not looked at, not even for errors.
  virtual bool on_field(std::string_view name, std::string_view value) = 0;
};

/// How a parser stage ended.  Not failed when the sink ended it.
struct ExtractOutcome {
  bool failed = false;       ///< the line gets the stage's __error__
  std::string_view details;  ///< __error_details__; may be empty; holds until the next line
};

constexpr std::string_view kJsonParserError = "JSONParserErr";
constexpr std::string_view kLogfmtParserError = "LogfmtParserErr";

}  // namespace cordwood::query
