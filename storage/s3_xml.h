// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

/// Reads the few XML answers of S3 and STS element by element.  Takes prefixes off names, skips attributes, comments
/// and processing instructions, knows the five entities and character references; no DTD.  corrupt for what is not well
/// enough formed; nesting and sizes are bounded.
class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : rest_(text) {}

  /// The next beginning or end of an element; nullopt at the end of the text.  An end carries the text directly in
  /// the element, decoded.
  struct Event {
    bool end = false;
    std::string_view name;
    std::string text;
    size_t depth = 0;  ///< 1: the root
  };
  Result<std::optional<Event>> next();

 private:
  struct Open {
    std::string_view name;
    std::string text;
  };
  Result<bool> skip_markup();
  Result<void> begin_element();
  Result<void> end_element();
  Event pop();

  static constexpr size_t kMaxDepth = 32;
  std::string_view rest_;
  std::vector<Open> open_;
  std::optional<Event> event_;
  bool empty_element_ = false;  ///< `<a/>`: its end comes next
};

}  // namespace cordwood
