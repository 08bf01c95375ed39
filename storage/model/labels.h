// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/coding.h"

namespace cordwood {

/// Appends `text` as Go's strconv.Quote prints it (invalid UTF-8 as \xNN, other unprintables as \u or \U).
void append_go_quoted(std::string_view text, std::string* out);
std::string go_quoted(std::string_view text);

/// A set of labels: names unique and sorted by bytes, values not empty.  All of it lies in one piece of memory, for
/// there may be a hundred thousand of them.
class Labels {
 public:
  using Pair = std::pair<std::string, std::string>;
  using PairView = std::pair<std::string_view, std::string_view>;
  /// The labels in order; views live as long as they stay as they are.
  class Pairs;

  Labels() = default;
  /// Sorts; drops pairs with an empty value.  The names must be unique.
  static Labels from_pairs(std::vector<Pair> pairs);
  /// Empty when there is no such label.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }
  void set(std::string_view name, std::string_view value);  ///< an empty value removes it
  Pairs pairs() const;
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool operator==(const Labels&) const = default;

  /// `{a="x", b="y"}` with Go quoting: Loki's label string.
  std::string to_string() const;
  void encode(std::string* out) const;
  /// corrupt when names are unsorted, repeated or a value is empty.
  static Result<Labels> decode(ByteReader* in);

 private:
  std::string bytes_;  ///< name and value of each, with their lengths before them, as they are encoded
  uint32_t size_ = 0;
};

class Labels::Pairs {
 public:
  class Iterator {
   public:
    using value_type = PairView;
    using difference_type = std::ptrdiff_t;
    using reference = const PairView&;
    using pointer = const PairView*;
    using iterator_category = std::input_iterator_tag;
    Iterator() = default;
    Iterator(std::string_view bytes, uint32_t left) : in_(bytes), left_(left) { read(); }
    const PairView& operator*() const { return pair_; }
    const PairView* operator->() const { return &pair_; }
    Iterator& operator++() {
      --left_;
      read();
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void read() {
      if (left_ == 0) return;
      pair_.first = in_.string();
      pair_.second = in_.string();
    }
    ByteReader in_{std::string_view()};
    uint32_t left_ = 0;
    PairView pair_;
  };
  Pairs(std::string_view bytes, uint32_t size) : bytes_(bytes), size_(size) {}
  Iterator begin() const { return {bytes_, size_}; }
  Iterator end() const { return {}; }

 private:
  std::string_view bytes_;
  uint32_t size_;
};

inline Labels::Pairs Labels::pairs() const {
  return {bytes_, size_};
}

}  // namespace cordwood
