// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/field_sink.h"
#include "storage/base/result.h"

namespace re2 {
class RE2;
}

namespace cordwood::query {

/// The `regexp` stage: named groups of an unanchored expression become fields.  Immutable, thread-safe, cheap to copy.
class RegexpExtractor {
 public:
  /// Errors: `at least one named capture must be supplied`, `duplicate extracted label name 'x'`,
  /// `invalid extracted label name 'x'`, `error parsing regexp: …`.
  static Result<RegexpExtractor> make(std::string_view expression);

  /// Gives every named group of the first match; one that took no part is empty.  Nothing when there is no match.
  void extract(std::string_view line, FieldSink* sink) const;
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::shared_ptr<const re2::RE2> regex_;
  std::vector<std::string> names_;  ///< named groups, in the order of the expression
  std::vector<int> groups_;         ///< their numbers
};

}  // namespace cordwood::query
