// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/field_sink.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// One piece of a pattern expression: bytes to find, or a capture.
struct PatternNode {
  bool capture = false;
  std::string text;  ///< the literal, or the capture's name (`_` is unnamed)
};

/// `<name>` and `<_>` are captures, everything else literal bytes; neighbouring literals are one node.
std::vector<PatternNode> parse_pattern_nodes(std::string_view expression);

/// The `pattern` stage.  Immutable, thread-safe.
class PatternExtractor {
 public:
  /// Errors: `at least one capture is required`, `found consecutive capture '<a><b>': invalid expression`,
  /// `duplicate capture name (a): invalid expression`.
  static Result<PatternExtractor> make(std::string_view expression);

  /// Captures from left to right.  Nothing when a leading literal does not start the line; where a later literal is
  /// missing the current capture takes the rest and the work ends.
  void extract(std::string_view line, FieldSink* sink) const;
  const std::vector<PatternNode>& nodes() const { return nodes_; }

 private:
  std::vector<PatternNode> nodes_;
};

/// The line filter `|> "…"`: literals and `<_>` over the whole line, no capture empty.  Immutable, thread-safe.
class LinePattern {
 public:
  /// Errors: `named captures are not allowed: found '<x>'`, `found consecutive capture '<_><_>': invalid expression`.
  static Result<LinePattern> make(std::string_view expression);
  bool matches(std::string_view line) const;
  /// Every line that matches holds it; empty when the pattern has none.
  std::string_view longest_literal() const;

 private:
  std::vector<PatternNode> nodes_;
};

}  // namespace cordwood::query
