// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "query/regex_simplify.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

using Kind = RegexNode::Kind;

constexpr int kMaxRegexDepth = 200;

RegexNode make_node(Kind kind) {
  RegexNode node;
  node.kind = kind;
  return node;
}

/// Whether a node is exactly one character.
bool is_single(const RegexNode& node) {
  return (node.kind == Kind::literal && node.runes.size() == 1) || node.kind == Kind::any_not_newline ||
         (node.kind == Kind::opaque && node.single_class);
}

const RegexNode& first_piece(const RegexNode& node) {
  return node.kind == Kind::concat && !node.children.empty() ? node.children.front() : node;
}

void drop_prefix(RegexNode* node, size_t count) {
  if (node->kind == Kind::concat && !node->children.empty()) {
    drop_prefix(&node->children.front(), count);
    if (node->children.front().kind == Kind::empty) {
      node->children.erase(node->children.begin());
      if (node->children.size() == 1) *node = RegexNode(node->children.front());
    }
    return;
  }
  node->runes.erase(0, count);
  if (node->runes.empty()) *node = make_node(Kind::empty);
}

RegexNode alternate(std::vector<RegexNode> choices);

/// Alternatives side by side that begin with the same text share it: abc|abd becomes ab(?:c|d).
std::vector<RegexNode> factor_prefixes(std::vector<RegexNode> choices) {
  std::vector<RegexNode> out;
  size_t at = 0;
  while (at < choices.size()) {
    const RegexNode first = first_piece(choices[at]);
    std::u32string prefix = first.kind == Kind::literal ? first.runes : std::u32string();
    size_t end = at + 1;
    for (; end < choices.size() && !prefix.empty(); ++end) {
      const RegexNode& other = first_piece(choices[end]);
      if (other.kind != Kind::literal || other.fold != first.fold) break;
      size_t same = 0;
      while (same < prefix.size() && same < other.runes.size() && prefix[same] == other.runes[same]) ++same;
      if (same == 0) break;
      prefix.resize(same);
    }
    if (end == at + 1) {
      out.push_back(std::move(choices[at]));
    } else {
      RegexNode head = make_node(Kind::literal);
      head.runes = prefix;
      head.fold = first.fold;
      std::vector<RegexNode> tails;
      for (size_t i = at; i < end; ++i) {
        drop_prefix(&choices[i], prefix.size());
        tails.push_back(std::move(choices[i]));
      }
      RegexNode both = make_node(Kind::concat);
      both.children.push_back(std::move(head));
      both.children.push_back(alternate(std::move(tails)));
      out.push_back(std::move(both));
    }
    at = end;
  }
  return out;
}

/// Single characters side by side become a set, repeated empty alternatives one.
std::vector<RegexNode> merge_runs(std::vector<RegexNode> choices) {
  std::vector<RegexNode> out;
  for (size_t at = 0; at < choices.size();) {
    size_t end = at;
    while (end < choices.size() && is_single(choices[end])) ++end;
    if (end - at >= 2) {
      RegexNode set = make_node(Kind::opaque);
      set.single_class = true;
      out.push_back(std::move(set));
      at = end;
      continue;
    }
    const bool repeated = choices[at].kind == Kind::empty && !out.empty() && out.back().kind == Kind::empty;
    if (!repeated) out.push_back(std::move(choices[at]));
    ++at;
  }
  return out;
}

RegexNode alternate(std::vector<RegexNode> choices) {
  std::vector<RegexNode> flat;
  for (RegexNode& choice : choices) {
    if (choice.kind == Kind::alternate) {
      for (RegexNode& inner : choice.children) flat.push_back(std::move(inner));
    } else {
      flat.push_back(std::move(choice));
    }
  }
  if (flat.size() > 1) flat = merge_runs(factor_prefixes(std::move(flat)));
  if (flat.size() == 1) return std::move(flat.front());
  RegexNode node = make_node(Kind::alternate);
  node.children = std::move(flat);
  return node;
}

RegexNode concat(std::vector<RegexNode> pieces) {
  RegexNode node = make_node(Kind::concat);
  for (RegexNode& piece : pieces) {
    if (piece.kind == Kind::concat) {
      for (RegexNode& inner : piece.children) node.children.push_back(std::move(inner));
    } else {
      node.children.push_back(std::move(piece));
    }
  }
  if (node.children.empty()) return make_node(Kind::empty);
  if (node.children.size() == 1) return RegexNode(node.children.front());
  return node;
}

class TreeParser {
 public:
  explicit TreeParser(std::string_view text) : text_(text) {}

  std::optional<RegexNode> parse() {
    auto node = alternatives(false, 0);
    if (!node || at_ != text_.size()) return std::nullopt;
    return node;
  }

 private:
  std::optional<RegexNode> alternatives(bool fold, int depth) {
    if (depth > kMaxRegexDepth) return std::nullopt;
    fold_ = fold;
    std::vector<RegexNode> choices;
    while (true) {
      auto piece = sequence(depth);
      if (!piece) return std::nullopt;
      choices.push_back(std::move(*piece));
      if (at_ >= text_.size() || text_[at_] != '|') break;
      ++at_;
    }
    return alternate(std::move(choices));
  }

  std::optional<RegexNode> sequence(int depth) {
    std::vector<RegexNode> pieces;
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      if (text_.substr(at_).starts_with("(?") && flag_group()) continue;
      auto piece = atom(depth);
      if (!piece) return std::nullopt;
      const bool repeated = repetition(&*piece);
      const bool joins = !repeated && piece->kind == Kind::literal && !pieces.empty() && last_joins_ &&
                         pieces.back().kind == Kind::literal && pieces.back().fold == piece->fold;
      last_joins_ = !repeated && piece->kind == Kind::literal;
      if (joins) {
        pieces.back().runes += piece->runes;
      } else {
        pieces.push_back(std::move(*piece));
      }
    }
    last_joins_ = false;
    return concat(std::move(pieces));
  }

  /// `(?i)` and `(?-i)`: changes how the rest of the group is read.
  bool flag_group() {
    for (const std::string_view flag : {std::string_view("(?i)"), std::string_view("(?-i)")}) {
      if (text_.substr(at_).starts_with(flag)) {
        fold_ = flag == "(?i)";
        at_ += flag.size();
        return true;
      }
    }
    return false;
  }

  /// The operator after an atom, if there is one.
  bool repetition(RegexNode* piece) {
    bool any = false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != '*' && c != '+' && c != '?' && c != '{') break;
      if (c == '{') {
        const size_t close = text_.find('}', at_);
        const bool counted =
            close != std::string_view::npos && close > at_ + 1 && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9';
        if (!counted) break;
      }
      RegexNode node = make_node(c == '*' ? Kind::star : c == '+' ? Kind::plus : Kind::opaque);
      if (c == '?') node.most_times = 1;
      if (c == '{') {
        const size_t close = text_.find('}', at_);
        node.most_times = last_count(text_.substr(at_ + 1, close - at_ - 1));
        at_ = close;
      }
      node.children.push_back(std::move(*piece));
      *piece = std::move(node);
      any = true;
      ++at_;
      if (at_ < text_.size() && text_[at_] == '?') ++at_;
    }
    return any;
  }

  /// Of `3`, `2,5` or `2,`, the last one as UINT32_MAX.
  static uint32_t last_count(std::string_view counts) {
    const size_t comma = counts.find(',');
    if (comma != std::string_view::npos) counts.remove_prefix(comma + 1);
    uint32_t count = UINT32_MAX;
    const auto read = std::from_chars(counts.data(), counts.data() + counts.size(), count);
    return read.ptr == counts.data() + counts.size() ? count : UINT32_MAX;
  }

  std::optional<RegexNode> group(int depth) {
    const std::string_view rest = text_.substr(at_);
    const bool outer_fold = fold_;
    bool captures = false;
    bool fold = fold_;
    if (rest.starts_with("(?:")) {
      at_ += 3;
    } else if (rest.starts_with("(?i:")) {
      fold = true;
      at_ += 4;
    } else if (rest.starts_with("(?P<") || rest.starts_with("(?<")) {
      const size_t close = rest.find('>');
      if (close == std::string_view::npos) return std::nullopt;
      captures = true;
      at_ += close + 1;
    } else if (rest.starts_with("(?")) {
      return std::nullopt;
    } else {
      captures = true;
      ++at_;
    }
    last_joins_ = false;
    auto inner = alternatives(fold, depth + 1);
    if (!inner || at_ >= text_.size()) return std::nullopt;
    ++at_;
    fold_ = outer_fold;
    last_joins_ = false;
    if (!captures) return inner;
    RegexNode node = make_node(Kind::capture);
    node.children.push_back(std::move(*inner));
    return node;
  }

  std::optional<RegexNode> atom(int depth) {
    const char c = text_[at_];
    if (c == '(') return group(depth);
    if (c == '.') {
      ++at_;
      return make_node(Kind::any_not_newline);
    }
    if (c == '[') return set();
    if (c == '\\') return escape();
    if (c == '^' || c == '$') {
      ++at_;
      return make_node(Kind::opaque);
    }
    const Utf8Rune rune = decode_utf8(text_, at_);
    at_ += rune.size;
    return literal(rune.value);
  }

  RegexNode literal(char32_t rune) const {
    RegexNode node = make_node(Kind::literal);
    if (fold_ && rune >= 'a' && rune <= 'z') rune -= 'a' - 'A';
    node.runes = rune;
    node.fold = fold_;
    return node;
  }

  std::optional<RegexNode> set() {
    size_t end = at_ + 1;
    if (end < text_.size() && text_[end] == '^') ++end;
    if (end < text_.size() && text_[end] == ']') ++end;
    while (end < text_.size() && text_[end] != ']') {
      if (text_[end] == '\\') ++end;
      if (text_.substr(end).starts_with("[:")) {
        const size_t close = text_.find(":]", end);
        if (close == std::string_view::npos) return std::nullopt;
        end = close + 1;
      }
      ++end;
    }
    if (end >= text_.size()) return std::nullopt;
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (inside.size() == 1 && inside[0] != '^' && !fold_) return literal(static_cast<unsigned char>(inside[0]));
    if (inside.size() == 2 && inside[0] == '\\' && std::ispunct(static_cast<unsigned char>(inside[1])) != 0) {
      return literal(static_cast<unsigned char>(inside[1]));
    }
    RegexNode node = make_node(Kind::opaque);
    node.single_class = true;
    const auto is_plain = [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\\' && c != '['; };
    if (!fold_ && inside[0] != '^' && std::all_of(inside.begin(), inside.end(), is_plain)) node.class_bytes = 1;
    return node;
  }

  std::optional<RegexNode> escape() {
    if (at_ + 1 >= text_.size()) return std::nullopt;
    const char c = text_[at_ + 1];
    if (std::ispunct(static_cast<unsigned char>(c)) != 0) {
      at_ += 2;
      return literal(static_cast<unsigned char>(c));
    }
    static constexpr std::string_view kNames = "tnrfva", kValues = "\t\n\r\f\v\a";
    if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      at_ += 2;
      return literal(static_cast<unsigned char>(kValues[known]));
    }
    if (std::string_view("dDsSwW").find(c) != std::string_view::npos) {
      at_ += 2;
      RegexNode node = make_node(Kind::opaque);
      node.single_class = true;
      if (!fold_ && (c == 'd' || c == 's' || c == 'w')) node.class_bytes = 1;
      return node;
    }
    return std::nullopt;  // assertions, code points, quoting, classes: nothing that could be reduced
  }

  std::string_view text_;
  size_t at_ = 0;
  bool fold_ = false;
  bool last_joins_ = false;
};

}  // namespace

std::optional<RegexNode> parse_regex_tree(std::string_view expression) {
  return TreeParser(expression).parse();
}

}  // namespace cordwood::query
