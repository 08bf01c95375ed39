// SPDX-License-Identifier: Apache-2.0
#include "query/regex_simplify.h"

#include <re2/re2.h>

#include <algorithm>

#include "storage/model/go_regex.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

using Kind = RegexNode::Kind;
using Word = SimpleRegex::Word;

/// What an expression was reduced to: everything, or one of some words.
struct Reduced {
  bool all = false;
  std::vector<Word> words;
};

Word make_word(Word::Test test, const std::u32string& runes, bool fold) {
  Word word;
  word.test = test;
  for (const char32_t rune : runes) append_utf8(rune, &word.text);
  if (fold) {
    const std::string quoted = RE2::QuoteMeta(word.text);
    RE2::Options options;
    options.set_case_sensitive(false);
    options.set_log_errors(false);
    options.set_dot_nl(true);
    word.folded =
        std::make_shared<const RE2>(test == Word::Test::equals ? "\\A(?:" + quoted + ")\\z" : quoted, options);
  }
  return word;
}

Reduced contains(const std::u32string& runes, bool fold) {
  Reduced out;
  out.all = runes.empty();
  if (!out.all) out.words.push_back(make_word(Word::Test::contains, runes, fold));
  return out;
}

/// Either of two.  One that takes everything is left out, odd as that is.
Reduced either(Reduced left, Reduced right) {
  if (left.all) return right;
  if (right.all) return left;
  for (Word& word : right.words) left.words.push_back(std::move(word));
  return left;
}

void chain(std::optional<Reduced>* current, Reduced next) {
  *current = *current ? either(std::move(**current), std::move(next)) : std::move(next);
}

bool is_dot_star(const RegexNode& node) {
  return node.kind == Kind::star && node.children.front().kind == Kind::any_not_newline;
}

const RegexNode& without_capture(const RegexNode& node) {
  return node.kind == Kind::capture ? without_capture(node.children.front()) : node;
}

std::optional<Reduced> reduce(const RegexNode& node, RegexPlace place);
std::optional<Reduced> reduce_concat(const RegexNode& node, std::u32string literal, bool fold);

/// A literal followed by alternatives: each alternative with the literal before it.
bool reduce_tails(const RegexNode& choices, const std::u32string& literal, bool fold, std::optional<Reduced>* current) {
  for (const RegexNode& choice : choices.children) {
    const bool folded = fold || choice.fold;
    if (choice.kind == Kind::empty || is_dot_star(choice)) {
      chain(current, contains(literal, folded));
    } else if (choice.kind == Kind::literal) {
      chain(current, contains(literal + choice.runes, folded));
    } else if (choice.kind == Kind::concat) {
      auto inner = reduce_concat(choice, literal, false);
      if (!inner) return false;
      chain(current, std::move(*inner));
    } else {
      return false;
    }
  }
  return current->has_value();
}

std::optional<Reduced> reduce_concat(const RegexNode& node, std::u32string literal, bool fold) {
  std::vector<const RegexNode*> pieces;
  for (const RegexNode& child : node.children) {
    const RegexNode& bare = without_capture(child);
    if (bare.kind != Kind::empty) pieces.push_back(&bare);
  }
  if (pieces.size() > 3) return std::nullopt;
  std::optional<Reduced> current;
  bool has_literal = !literal.empty();
  int literals = 0;
  for (const RegexNode* piece : pieces) {
    if (piece->kind == Kind::literal) {
      if (literals++ != 0) return std::nullopt;
      literal += piece->runes;
      has_literal = true;
      fold = piece->fold;
    } else if (piece->kind == Kind::alternate && has_literal) {
      if (!reduce_tails(*piece, literal, fold, &current)) return std::nullopt;
    } else if (!is_dot_star(*piece)) {
      return std::nullopt;
    }
  }
  if (current) return current;
  if (has_literal) return contains(literal, fold);
  return std::nullopt;
}

std::optional<Reduced> reduce(const RegexNode& node, RegexPlace place) {
  switch (node.kind) {
    case Kind::alternate: {
      std::optional<Reduced> current;
      for (const RegexNode& choice : node.children) {
        auto inner = reduce(without_capture(choice), place);
        if (!inner) return std::nullopt;
        chain(&current, std::move(*inner));
      }
      return current;
    }
    case Kind::concat: return reduce_concat(node, {}, false);
    case Kind::capture: return reduce(node.children.front(), place);
    case Kind::literal: {
      if (place == RegexPlace::line) return contains(node.runes, node.fold);
      Reduced out;
      out.words.push_back(make_word(Word::Test::equals, node.runes, node.fold));
      return out;
    }
    case Kind::star:
      if (is_dot_star(node)) return Reduced{true, {}};
      return std::nullopt;
    case Kind::plus:
      if (node.children.front().kind == Kind::any_not_newline) {
        Reduced out;
        out.words.push_back(make_word(Word::Test::not_empty, {}, false));
        return out;
      }
      return std::nullopt;
    case Kind::empty: return Reduced{true, {}};
    case Kind::any_not_newline:
    case Kind::opaque: return std::nullopt;
  }
  return std::nullopt;
}

bool word_matches(const Word& word, std::string_view text) {
  if (word.test == Word::Test::not_empty) return !text.empty();
  if (word.folded) return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *word.folded);
  if (word.test == Word::Test::equals) return text == word.text;
  return text.find(word.text) != std::string_view::npos;
}

}  // namespace

Result<SimpleRegex> SimpleRegex::make(std::string_view expression, RegexPlace place) {
  SimpleRegex out;
  TRY_ASSIGN(out.regex_, compile_go_regex(expression, {.anchored = place == RegexPlace::label}));
  const auto tree = parse_regex_tree(expression);
  if (!tree) return out;
  auto reduced = reduce(*tree, place);
  if (!reduced) return out;
  out.kind_ = reduced->all ? Kind::all : Kind::words;
  out.words_ = std::move(reduced->words);
  return out;
}

bool SimpleRegex::matches(std::string_view text) const {
  switch (kind_) {
    case Kind::all: return true;
    case Kind::words:
      return std::any_of(words_.begin(), words_.end(), [&](const Word& word) { return word_matches(word, text); });
    case Kind::regex: return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex_);
  }
  return false;
}

}  // namespace cordwood::query
