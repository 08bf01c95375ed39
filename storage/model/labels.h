// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/coding.h"

namespace cordwood {

/// Appends `text` as Go's strconv.Quote prints it (invalid UTF-8 as \xNN, other unprintables as \u or \U).
void append_go_quoted(std::string_view text, std::string* out);
std::string go_quoted(std::string_view text);

/// A set of labels: names unique and sorted by bytes, values not empty.
class Labels {
 public:
  using Pair = std::pair<std::string, std::string>;

  Labels() = default;
  /// Sorts; drops pairs with an empty value.  The names must be unique.
  static Labels from_pairs(std::vector<Pair> pairs);
  /// Empty when there is no such label.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  void set(std::string_view name, std::string_view value);  ///< an empty value removes it
  const std::vector<Pair>& pairs() const { return pairs_; }
  size_t size() const { return pairs_.size(); }
  bool empty() const { return pairs_.empty(); }
  bool operator==(const Labels&) const = default;
  auto operator<=>(const Labels&) const = default;

  /// `{a="x", b="y"}` with Go quoting: Loki's label string.
  std::string to_string() const;
  void encode(std::string* out) const;
  /// corrupt when names are unsorted, repeated or a value is empty.
  static Result<Labels> decode(ByteReader* in);

 private:
  std::vector<Pair> pairs_;
};

}  // namespace cordwood
