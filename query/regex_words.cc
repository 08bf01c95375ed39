// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "query/regex_simplify.h"
#include "storage/base/fold_text.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

using Kind = RegexNode::Kind;

/// More words than this cost more to look for than they spare.
constexpr size_t kMaxWords = 16;
/// Shorter ones stand in nearly every text.
constexpr size_t kMinWordBytes = 2;
constexpr char32_t kReplacement = 0xFFFD;

/// The longest part of a literal that stands in a text as exactly these bytes, or, if case does not count, as these
/// letters of ASCII: others may be as long in one case as they are not in the other.
std::vector<RequiredWord> words_of_literal(const RegexNode& node) {
  std::string best, run;
  for (const char32_t rune : node.runes) {
    // What cannot be decoded reads like U+FFFD.
    if (rune == kReplacement || (node.fold && rune >= 0x80)) {
      run.clear();
      continue;
    }
    append_utf8(rune, &run);
    if (run.size() > best.size()) best = run;
  }
  if (best.size() < kMinWordBytes) return {};
  RequiredWord word{best, false};
  if (node.fold) {
    fold_text(best, &word.text);
    word.folded = std::any_of(word.text.begin(), word.text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  }
  return {word};
}

size_t shortest(const std::vector<RequiredWord>& words) {
  size_t size = words.empty() ? 0 : words.front().text.size();
  for (const RequiredWord& word : words) size = std::min(size, word.text.size());
  return size;
}

}  // namespace

std::optional<size_t> longest_match_of(const RegexNode& node) {
  constexpr size_t kMost = 1u << 16;
  constexpr size_t kRuneBytes = 4;
  size_t bytes = 0;
  switch (node.kind) {
    case Kind::empty: return 0;
    case Kind::literal:
      for (const char32_t rune : node.runes) bytes += node.fold || rune >= 0x80 ? kRuneBytes : 1;
      return bytes;
    case Kind::any_not_newline: return kRuneBytes;
    case Kind::star:
    case Kind::plus: return std::nullopt;
    case Kind::opaque:
      if (node.single_class) return node.class_bytes;
      if (node.children.empty()) return std::nullopt;
      break;
    case Kind::capture:
    case Kind::concat:
    case Kind::alternate: break;
  }
  for (const RegexNode& child : node.children) {
    const std::optional<size_t> longest = longest_match_of(child);
    if (!longest) return std::nullopt;
    bytes = node.kind == Kind::alternate ? std::max(bytes, *longest) : bytes + *longest;
    if (bytes > kMost) return std::nullopt;
  }
  if (node.kind != Kind::opaque) return bytes;
  return bytes * node.most_times <= kMost ? std::optional(bytes * node.most_times) : std::nullopt;
}

std::vector<RequiredWord> words_required_by(const RegexNode& node) {
  switch (node.kind) {
    case Kind::literal: return words_of_literal(node);
    case Kind::capture:
    case Kind::plus: return words_required_by(node.children.front());
    case Kind::concat: {
      std::vector<RequiredWord> best;
      for (const RegexNode& child : node.children) {
        std::vector<RequiredWord> words = words_required_by(child);
        if (shortest(words) > shortest(best)) best = std::move(words);
      }
      return best;
    }
    case Kind::alternate: {
      std::vector<RequiredWord> all;
      for (const RegexNode& child : node.children) {
        const std::vector<RequiredWord> words = words_required_by(child);
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
