// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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
  /// Adds ids with their times.  False, with some of them added, when too many fall together: somebody made them so.
  bool add(std::span<const std::string_view> ids, std::span<const int64_t> times_ns);

  /// Once, after all were added.
  void number();
  /// After number().
  std::string_view id(uint32_t number) const { return text(order_[number]); }
  /// Numbers of ids that were all added.
  void find(std::span<const std::string_view> ids, std::vector<int64_t>* numbers) const;

 private:
  /// Ids are looked for so many at a time: the next ones are on their way from memory while one is compared.
  static constexpr size_t kTogether = 16;
  struct Place {
    uint64_t hash = 0;
    size_t slot = 0;
  };
  std::string_view text(uint32_t i) const { return std::string_view(bytes_).substr(uint64_t{i} * width_, width_); }
  void expect(std::span<const std::string_view> ids, Place* places) const;
  /// The slot that has the id, or the empty one where it belongs; nothing after too many others.
  std::optional<size_t> slot_of(std::string_view id, const Place& place) const;
  bool grow();

  uint32_t width_;
  std::string bytes_;              ///< in the order they were added
  std::vector<int64_t> times_ns_;  ///< likewise
  std::vector<uint32_t> slots_;    ///< place in that order plus one, and bits of the hash above; 0: empty
  std::vector<uint32_t> order_;    ///< by number: place in that order
  std::vector<uint32_t> numbers_;  ///< the other way
};

}  // namespace cordwood
