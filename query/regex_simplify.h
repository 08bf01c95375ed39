// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace re2 {
class RE2;
}

namespace cordwood::query {

/// A text that must be there.  Folded: its letters are small, and those of the text match in either case.
struct RequiredWord {
  std::string text;
  bool folded = false;
  bool operator==(const RequiredWord&) const = default;
};

/// Where a regular expression stands; it decides how a bare literal is taken.
enum class RegexPlace : unsigned char { line, label };

/// A filter regex as Loki runs it.  Expressions made only of literals, alternatives and `.*` become plain searches,
/// and for labels that changes their meaning: `al.*` and `POST|PUT` match anywhere in the value although other label
/// regexes are anchored.  So the reduction follows the same steps, common prefixes of alternatives included.
class SimpleRegex {
 public:
  /// invalid: Go's text.
  static Result<SimpleRegex> make(std::string_view expression, RegexPlace place);
  bool matches(std::string_view text) const;
  /// Whether it was reduced to "everything".
  bool match_all() const { return kind_ == Kind::all; }
  /// The words of which one must be in the text, when that is the whole condition; else nothing.
  struct Word {
    enum class Test : unsigned char { contains, equals, not_empty };
    Test test = Test::contains;
    std::string text;
    std::shared_ptr<const re2::RE2> folded;  ///< set when letters match in either case
  };
  const std::vector<Word>* words() const { return kind_ == Kind::words ? &words_ : nullptr; }
  /// Every text that matches holds one of these; empty when no such words are known.
  const std::vector<RequiredWord>& required_words() const { return required_words_; }
  /// Whether a text that holds one of them matches; then none is folded.
  bool required_words_are_enough() const { return required_words_are_enough_; }
  /// No match is longer, or depends on what stands beside it; nothing when that is not known.
  std::optional<size_t> longest_match() const { return longest_match_; }

 private:
  enum class Kind : unsigned char { all, words, regex };
  Kind kind_ = Kind::regex;
  std::vector<Word> words_;
  std::shared_ptr<const re2::RE2> regex_;
  std::vector<RequiredWord> required_words_;
  bool required_words_are_enough_ = false;
  std::optional<size_t> longest_match_;
};

/// A parsed expression, as far as the reduction has to know it.
struct RegexNode {
  enum class Kind : unsigned char { literal, any_not_newline, empty, concat, alternate, capture, star, plus, opaque };
  Kind kind = Kind::opaque;
  bool fold = false;          ///< literal: letters match in either case
  bool single_class = false;  ///< opaque: one character of a set
  uint8_t class_bytes = 4;    ///< of a set: the longest of its characters
  uint32_t most_times = 0;    ///< opaque: what it repeats so often at most, if it has a child; else it is no text
  std::u32string runes;       ///< literal
  std::vector<RegexNode> children;
};
/// Nothing when the expression holds something that cannot be reduced anyway.
std::optional<RegexNode> parse_regex_tree(std::string_view expression);
/// The bytes of the longest text that can match; nothing when there is no longest, or it must stand somewhere.
std::optional<size_t> longest_match_of(const RegexNode& node);
/// Words of which every text that matches somewhere holds one; empty when none are known.
std::vector<RequiredWord> words_required_by(const RegexNode& node);

}  // namespace cordwood::query
