// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "query/extract_logfmt.h"
#include "storage/block_view.h"

namespace cordwood::query {

/// Gives the value of a field by its cell, as the parser of the line's form reads it from the text.  Keeps scratch
/// memory: one thread at a time.
class CellText {
 public:
  /// Nothing when the field sets no label.  A view into `cell`, or one that holds until the next call.
  std::optional<std::string_view> value(LineForm form, ShapeSlot::Kind kind, std::string_view cell);

 private:
  std::string_view unquoted_logfmt(std::string_view cell);

  LogfmtReader reader_;
  std::string line_;
  std::string value_;
};

/// Whether slots tell all about the fields of such lines: escapes in a key may be ones that the text's reader refuses.
bool slots_tell_fields(const Shape& shape);

/// Name that the parsers give to the keys from the outermost object in; empty when all are blank.
std::string joined_label_name(std::span<const std::string> path);

}  // namespace cordwood::query
