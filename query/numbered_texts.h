// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/text_numbers.h"

namespace cordwood::query {

/// Numbers texts 0, 1, … in the order in which they are first seen, and keeps them.  Of texts with one run of digits,
/// such as names of users, only the number is kept and looked at: what is around it is kept once.  Nothing is allocated
/// for one text.
class NumberedTexts {
 public:
  NumberedTexts();
  NumberedTexts(const NumberedTexts&) = delete;  // the seed is the address
  NumberedTexts& operator=(const NumberedTexts&) = delete;

  uint32_t number(std::string_view text, bool* is_new);
  /// Nothing when it was not seen.
  std::optional<uint32_t> find(std::string_view text) const;
  /// Appends the text of a number.
  void append(uint32_t number, std::string* out) const;
  size_t size() const { return entries_.size(); }
  /// So many texts are to come.
  void reserve(size_t texts);
  void clear();

  /// A text with one run of digits.
  struct Split {
    uint32_t pattern = 0;  ///< of all that is not the number, and of how many digits a number with leading zeros has
    uint64_t number = 0;
  };
  /// Nothing for texts with none, several, or more than kMostDigits digits.
  std::optional<Split> split(std::string_view text);
  uint32_t number(Split split, bool* is_new);
  static constexpr size_t kMostDigits = 18;

  /// Numbers what others have numbered.
  class Translation {
   public:
    /// Both outlive it; `from` is not cleared meanwhile.
    Translation(const NumberedTexts& from, NumberedTexts* to) : from_(from), to_(to) {}
    uint32_t number(uint32_t from, bool* is_new);

   private:
    const NumberedTexts& from_;
    NumberedTexts* to_;
    std::vector<std::optional<uint32_t>> patterns_;
  };

  /// About what the text takes at most, its table of places included, and where a part of it is numbered too
  /// (ColumnSamples).
  uint64_t bytes_of(uint32_t number) const;

 private:
  static constexpr uint32_t kWhole = UINT32_MAX;  ///< as pattern: `number` is that of a text in texts_
  struct Entry {
    uint64_t number;
    uint32_t pattern;
    uint32_t before;  ///< + 1: the one of the same pattern that came before
  };
  struct OfPattern {
    std::vector<uint32_t> entries;  ///< + 1, by number; those of larger numbers are in slots_
    uint32_t count = 0;
    uint32_t newest = 0;  ///< + 1
  };
  struct Slot {
    uint64_t number;
    uint32_t pattern;
    uint32_t entry;  ///< + 1; 0: free
  };
  struct Run;
  uint32_t add(Split split);
  void widen(OfPattern* pattern, uint64_t number);
  size_t place_of(Split split) const;
  void grow(size_t slots);

  TextNumbers texts_;  ///< those that are not split
  std::vector<uint32_t> entry_of_text_;
  TextNumbers patterns_;  ///< the number's digits are 0s, one if it has no leading zeros
  std::vector<OfPattern> of_pattern_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  ///< open addressing
  size_t used_ = 0;
  uint64_t multiplier_;
  uint32_t shift_ = 64;
  std::string scratch_;
};

}  // namespace cordwood::query
