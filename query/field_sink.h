// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cordwood::query {

/// Takes the fields a parser stage finds in a line, in the order of the line.  Views hold until the call returns,
/// except those into the line itself.
class FieldSink {
 public:
  virtual ~FieldSink() = default;
  /// Asked before the value of a field is decoded; false skips it.
  virtual bool wants(std::string_view name) {
    (void)name;
    return true;
  }
  /// false ends the work on this line; what follows is not looked at, not even for errors.
  virtual bool on_field(std::string_view name, std::string_view value) = 0;
};

}  // namespace cordwood::query
