// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/block_view.h"
#include "storage/shred_scan.h"

namespace cordwood::query {

/// What lines of one shape have in common, as `/patterns` shows it.  Of lines with fields that is the text of the
/// message among them, where there is one.
struct ShapeTemplate {
  const ShapeSlot* message = nullptr;  ///< its cell has the text; null: `fixed` is the pattern of every line
  size_t message_slot = 0;             ///< place of `message` among the slots
  bool message_ends = false;           ///< nothing follows the message in the line
  std::string fixed;
};
ShapeTemplate template_of(const Shape& shape);

/// Makes patterns: texts in which `<_>` stands for what varies, so that they can be used in a filter `|>`.  Keeps
/// buffers; one thread at a time.
class LineTemplates {
 public:
  /// Of a text that stands on its own.
  std::string_view of_line(std::string_view line);
  /// Of a line by its message.
  std::string_view of_message(std::string_view message, bool ends);

 private:
  void append_cut(std::string_view text);
  void finish();

  shred::LineCuts cuts_;
  std::string raw_;
  std::string pattern_;
};

}  // namespace cordwood::query
