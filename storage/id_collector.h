// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cordwood {

/// Distinct ids of one width, then numbered in the order of their earliest times.  Open addressing; bounded by
/// whoever adds.
class IdCollector {
 public:
  explicit IdCollector(uint32_t width) : width_(width) {}
  uint32_t width() const { return width_; }
  uint32_t size() const { return static_cast<uint32_t>(times_ns_.size()); }
  /// False, without adding it, when too many ids fall together: somebody made them so.
  bool add(std::string_view id, int64_t time_ns);

  /// Once, after all were added.
  void number();
  /// After number().
  std::string_view id(uint32_t number) const { return text(order_[number]); }
  std::optional<uint32_t> number_of(std::string_view id) const;

 private:
  std::string_view text(uint32_t i) const { return std::string_view(bytes_).substr(uint64_t{i} * width_, width_); }
  /// The slot that has the id, or the empty one where it belongs; nothing after too many others.
  std::optional<size_t> slot_of(std::string_view id) const;
  bool grow();

  uint32_t width_;
  std::string bytes_;              ///< in the order they were added
  std::vector<int64_t> times_ns_;  ///< likewise
  std::vector<uint32_t> slots_;    ///< place in that order plus one; 0: empty
  std::vector<uint32_t> order_;    ///< by number: place in that order
  std::vector<uint32_t> numbers_;  ///< the other way
};

}  // namespace cordwood
