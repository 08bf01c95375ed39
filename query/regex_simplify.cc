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

/// Bytes that may share their buffer with others made from the same start, as Go's slices do.  Loki's reduction joins
/// a common prefix with each alternative's literal in one buffer, so a later literal overwrites an earlier one where
/// both fit (`plac.*|payment.*` looks for "paym" and "payment"); answers have to follow.
class SharedBytes {
 public:
  SharedBytes append(std::string_view more) const {
    SharedBytes out;
    out.size_ = size_ + more.size();
    if (buffer_ != nullptr && out.size_ <= buffer_->size()) {
      out.buffer_ = buffer_;
    } else {
      const size_t old = buffer_ == nullptr ? 0 : buffer_->size();
      const size_t wanted = out.size_ > 2 * old ? out.size_ : old < kDoubleBelow ? 2 * old : old + old / 4 + 192;
      out.buffer_ = std::make_shared<std::string>(round_up(wanted), '\0');
      if (size_ > 0) out.buffer_->replace(0, size_, *buffer_, 0, size_);
    }
    out.buffer_->replace(size_, more.size(), more);
    return out;
  }
  SharedBytes copy_and_append(std::string_view more) const {
    return SharedBytes().append(std::string(view()) + std::string(more));
  }
  std::string_view view() const {
    return buffer_ == nullptr ? std::string_view() : std::string_view(*buffer_).substr(0, size_);
  }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr size_t kDoubleBelow = 256;
  /// Sizes that Go's allocator hands out.
  static size_t round_up(size_t size) {
    if (size <= 16) return size <= 8 ? 8 : 16;
    if (size <= 32) return size <= 24 ? 24 : 32;
    const size_t step = size <= 256 ? 16 : size <= 512 ? 32 : size <= 1024 ? 64 : 128;
    return (size + step - 1) / step * step;
  }
  std::shared_ptr<std::string> buffer_;
  size_t size_ = 0;
};

/// What an expression was reduced to: everything, or one of some words.
struct Reduced {
  struct Item {
    Word::Test test = Word::Test::contains;
    SharedBytes text;
    bool fold = false;
  };
  bool all = false;
  std::vector<Item> words;
};

std::string to_bytes(const std::u32string& runes) {
  std::string out;
  for (const char32_t rune : runes) append_utf8(rune, &out);
  return out;
}

/// With the dotless and dotted i told apart as Go's lower case does.
std::string fold_dotted_i(std::string_view text) {
  constexpr std::string_view kDottedI = "\xC4\xB0";
  std::string out(text);
  for (size_t at = 0; (at = out.find(kDottedI, at)) != std::string::npos;) out.replace(at, kDottedI.size(), "i");
  return out;
}

Word make_word(const Reduced::Item& item) {
  Word word;
  const Word::Test test = word.test = item.test;
  word.text = std::string(item.text.view());
  if (item.fold) {
    word.text = fold_dotted_i(word.text);
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

Reduced contains(SharedBytes text, bool fold) {
  Reduced out;
  out.all = text.empty();
  if (!out.all) {
    // Folding works on a copy, so that its bytes are safe.
    out.words.push_back({Word::Test::contains, fold ? text.copy_and_append({}) : std::move(text), fold});
  }
  return out;
}

/// Either of two.  One that takes everything is left out, odd as that is.
Reduced either(Reduced left, Reduced right) {
  if (left.all) return right;
  if (right.all) return left;
  for (Reduced::Item& word : right.words) left.words.push_back(std::move(word));
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
std::optional<Reduced> reduce_concat(const RegexNode& node, SharedBytes literal, bool fold);

/// A literal followed by alternatives: each alternative with the literal before it.
bool reduce_tails(const RegexNode& choices, const SharedBytes& literal, bool fold, std::optional<Reduced>* current) {
  for (const RegexNode& choice : choices.children) {
    const bool folded = fold || choice.fold;
    if (choice.kind == Kind::empty || is_dot_star(choice)) {
      chain(current, contains(literal, folded));
    } else if (choice.kind == Kind::literal) {
      chain(current, contains(literal.copy_and_append(to_bytes(choice.runes)), folded));
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

std::optional<Reduced> reduce_concat(const RegexNode& node, SharedBytes literal, bool fold) {
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
      literal = literal.append(to_bytes(piece->runes));
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
      const SharedBytes text = SharedBytes().append(to_bytes(node.runes));
      if (place == RegexPlace::line) return contains(text, node.fold);
      Reduced out;
      out.words.push_back({Word::Test::equals, text, node.fold});
      return out;
    }
    case Kind::star:
      if (is_dot_star(node)) return Reduced{true, {}};
      return std::nullopt;
    case Kind::plus:
      if (node.children.front().kind == Kind::any_not_newline) {
        Reduced out;
        out.words.push_back({Word::Test::not_empty, {}, false});
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
  if (!reduced) {
    out.required_words_ = words_required_by(*tree);
    if (place == RegexPlace::line) out.longest_match_ = longest_match_of(*tree);
    return out;
  }
  out.kind_ = reduced->all ? Kind::all : Kind::words;
  for (const Reduced::Item& item : reduced->words) out.words_.push_back(make_word(item));
  const bool plain = std::all_of(out.words_.begin(), out.words_.end(), [](const Word& word) {
    return word.test == Word::Test::contains && word.folded == nullptr && !word.text.empty();
  });
  out.required_words_are_enough_ = plain;
  for (size_t i = 0; plain && i < out.words_.size(); ++i) out.required_words_.push_back({out.words_[i].text, false});
  if (!plain && place == RegexPlace::line) out.required_words_ = words_required_by(*tree);
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
