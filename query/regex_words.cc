// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "query/regex_simplify.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

using Kind = RegexNode::Kind;

/// More words than this cost more to look for than they spare.
constexpr size_t kMaxWords = 16;
/// Shorter ones stand in nearly every text.
constexpr size_t kMinWordBytes = 2;
constexpr char32_t kReplacement = 0xFFFD;

/// The longest part of a literal that stands in a text as exactly these bytes.
std::vector<std::string> words_of_literal(const RegexNode& node) {
  std::string best, run;
  for (const char32_t rune : node.runes) {
    // What cannot be decoded reads like U+FFFD.
    if (rune == kReplacement) {
      run.clear();
      continue;
    }
    append_utf8(rune, &run);
    if (run.size() > best.size()) best = run;
  }
  if (node.fold || best.size() < kMinWordBytes) return {};
  return {best};
}

size_t shortest(const std::vector<std::string>& words) {
  size_t size = words.empty() ? 0 : words.front().size();
  for (const std::string& word : words) size = std::min(size, word.size());
  return size;
}

}  // namespace

std::vector<std::string> words_required_by(const RegexNode& node) {
  switch (node.kind) {
    case Kind::literal: return words_of_literal(node);
    case Kind::capture:
    case Kind::plus: return words_required_by(node.children.front());
    case Kind::concat: {
      std::vector<std::string> best;
      for (const RegexNode& child : node.children) {
        std::vector<std::string> words = words_required_by(child);
        if (shortest(words) > shortest(best)) best = std::move(words);
      }
      return best;
    }
    case Kind::alternate: {
      std::vector<std::string> all;
      for (const RegexNode& child : node.children) {
        const std::vector<std::string> words = words_required_by(child);
        if (words.empty()) return {};
        all.insert(all.end(), words.begin(), words.end());
      }
      if (all.size() > kMaxWords) all.clear();
      return all;
    }
    case Kind::any_not_newline:
    case Kind::empty:
    case Kind::star:
    case Kind::opaque: break;
  }
  return {};
}

}  // namespace cordwood::query
