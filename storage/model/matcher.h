// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/model/labels.h"

namespace re2 {
class RE2;
}

namespace cordwood {

enum class MatchOp : unsigned char { equal, not_equal, regex, not_regex };
std::string_view to_string(MatchOp op);

/// One label matcher of a selector.  A missing label counts as the empty value.  Regexes are anchored at both
/// ends and their dot matches a newline.  Immutable, thread-safe, cheap to copy.
class Matcher {
 public:
  /// invalid when the regex does not compile (message: Go's `error parsing regexp: …`).
  static Result<Matcher> make(std::string name, MatchOp op, std::string value);
  bool matches(std::string_view value) const;
  bool matches_empty() const { return matches(""); }
  const std::string& name() const { return name_; }
  MatchOp op() const { return op_; }
  const std::string& value() const { return value_; }
  /// `name=~"value"`, Go-quoted.
  std::string to_string() const;

 private:
  std::string name_;
  MatchOp op_ = MatchOp::equal;
  std::string value_;
  std::shared_ptr<const re2::RE2> regex_;
};

/// Whether every matcher accepts the labels.
bool matches_all(const Labels& labels, const Matcher* matchers, size_t count);

}  // namespace cordwood
