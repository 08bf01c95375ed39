// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "query/text_numbers.h"

namespace cordwood::query {

/// Knows what texts are again that differ in one number only, by pattern and number instead of by text.
class NumberedIds {
 public:
  /// Numbers patterns 0, 1, …; equal keys are equal patterns.
  uint32_t pattern(std::string_view key) {
    bool is_new = false;
    return patterns_.number(key, &is_new);
  }
  /// Where the id of a text is kept: 0 until the caller has set it to what is not 0, which it must do before the next
  /// call.
  uint32_t& id(uint32_t pattern, int64_t number);
  void clear();

 private:
  struct Slot {
    int64_t number;
    uint32_t pattern;
    uint32_t id;  ///< 0: free
  };
  size_t place_of(uint32_t pattern, int64_t number) const;
  void grow();

  TextNumbers patterns_;
  std::vector<Slot> slots_;  ///< open addressing
  size_t used_ = 0;
};

}  // namespace cordwood::query
