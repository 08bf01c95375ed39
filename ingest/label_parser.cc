// SPDX-License-Identifier: Apache-2.0
#include "ingest/label_parser.h"

#include <algorithm>

#include "storage/model/utf8.h"

namespace cordwood::ingest {

namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_alphanumeric(char c) {
  return is_alpha(c) || (c >= '0' && c <= '9');
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr size_t kMaxLabels = 60'000;  // far beyond any limit on label names, but memory stays bounded

enum class Token { end, left_brace, right_brace, comma, equal, other_operator, identifier, text };

/// A character as Go's %q prints it.
std::string quoted_rune(std::string_view text, size_t at) {
  const Utf8Rune rune = decode_utf8(text, at);
  std::string inner;
  append_go_quoted(text.substr(at, rune.size), &inner);
  inner = rune.valid ? inner.substr(1, inner.size() - 2) : std::string(kReplacementText);
  if (inner == "'") inner = "\\'";
  if (inner == "\\\"") inner = "\"";
  return "'" + inner + "'";
}

class LabelTextParser {
 public:
  explicit LabelTextParser(std::string_view text) : text_(text) {}

  Result<std::vector<Labels::Pair>> parse() {
    skip_space();
    if (at_ < text_.size() && (is_alpha(text_[at_]) || text_[at_] == ':')) metric_name();
    skip_space();
    if (at_ < text_.size()) {
      if (text_[at_] != '{') return fail(at_, "unexpected character: " + quoted_rune(text_, at_));
      ++at_;
      TRY(label_set());
      skip_space();
      if (at_ < text_.size()) return fail(at_, "unexpected character: " + quoted_rune(text_, at_));
    }
    return std::move(pairs_);
  }

 private:
  void metric_name() {
    const size_t start = at_;
    while (at_ < text_.size() && (is_alphanumeric(text_[at_]) || text_[at_] == ':')) ++at_;
    pairs_.emplace_back("__name__", text_.substr(start, at_ - start));
  }

  Result<void> label_set() {
    TRY(next());
    bool first = true;
    while (token_ != Token::right_brace) {
      if (!first) {
        if (token_ != Token::comma) return unexpected("\",\" or \"}\"");
        TRY(next());
        if (token_ == Token::right_brace) break;
      }
      first = false;
      TRY(label());
    }
    return {};
  }

  Result<void> label() {
    if (token_ != Token::identifier && token_ != Token::text) return unexpected("identifier or \"}\"");
    std::string name = std::move(value_);
    TRY(next());
    if (token_ != Token::equal) return unexpected("\"=\"");
    TRY(next());
    if (token_ != Token::text) return unexpected("string");
    if (pairs_.size() == kMaxLabels) return fail(start_, fmt::format("more than {} labels", kMaxLabels));
    if (!value_.empty()) pairs_.emplace_back(std::move(name), std::move(value_));
    return next();
  }

  /// Reads one token inside the braces.
  Result<void> next() {
    skip_space();
    start_ = at_;
    value_.clear();
    if (at_ == text_.size()) return fail(at_, "unexpected end of input inside braces");
    const char c = text_[at_];
    if (is_alpha(c)) {
      while (at_ < text_.size() && is_alphanumeric(text_[at_])) ++at_;
      value_ = text_.substr(start_, at_ - start_);
      token_ = Token::identifier;
      return {};
    }
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '`') return raw_quoted();
    ++at_;
    const char following = at_ < text_.size() ? text_[at_] : '\0';
    switch (c) {
      case ',': token_ = Token::comma; return {};
      case '}': token_ = Token::right_brace; return {};
      case '{': return fail(start_, "unexpected left brace '{'");
      case '=':
        token_ = following == '~' ? Token::other_operator : Token::equal;
        if (following == '~') ++at_;
        return {};
      case '!':
        if (following != '~' && following != '=') {
          const std::string got = at_ < text_.size() ? quoted_rune(text_, at_) : "'\xEF\xBF\xBD'";
          return fail(start_, "unexpected character after '!' inside braces: " + got);
        }
        ++at_;
        token_ = Token::other_operator;
        return {};
      default: return fail(start_, "unexpected character inside braces: " + quoted_rune(text_, start_));
    }
  }

  Result<void> quoted(char quote) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      const Utf8Rune rune = decode_utf8(text_, at_);
      if (text_[at_] == '\\') {
        TRY(escape(quote));
        continue;
      }
      if (text_[at_] == '\n') return fail(start_, "unterminated quoted string");
      if (!rune.valid || rune.value == 0xFFFD) return fail(start_, "invalid UTF-8 rune");
      value_.append(text_, at_, rune.size);
      at_ += rune.size;
    }
    if (at_ == text_.size()) return fail(start_, "unterminated quoted string");
    ++at_;
    token_ = Token::text;
    return {};
  }

  Result<void> raw_quoted() {
    const size_t close = text_.find('`', at_ + 1);
    if (close == std::string_view::npos) return fail(start_, "unterminated raw string");
    value_ = text_.substr(at_ + 1, close - at_ - 1);
    if (!is_valid_utf8(value_)) return fail(start_, "invalid UTF-8 rune");
    at_ = close + 1;
    token_ = Token::text;
    return {};
  }

  /// One escape of a Go string; at_ stands on the backslash.
  Result<void> escape(char quote) {
    if (++at_ == text_.size()) return fail(start_, "escape sequence not terminated");
    const char c = text_[at_++];
    switch (c) {
      case 'a': value_ += '\a'; return {};
      case 'b': value_ += '\b'; return {};
      case 'f': value_ += '\f'; return {};
      case 'n': value_ += '\n'; return {};
      case 'r': value_ += '\r'; return {};
      case 't': value_ += '\t'; return {};
      case 'v': value_ += '\v'; return {};
      case '\\': value_ += '\\'; return {};
      case 'x': return numeric_escape(2, 16, 255);
      case 'u': return numeric_escape(4, 16, 0x10FFFF);
      case 'U': return numeric_escape(8, 16, 0x10FFFF);
      default: break;
    }
    if (c == quote) {
      value_ += c;
      return {};
    }
    if (c >= '0' && c <= '7') {
      --at_;
      return numeric_escape(3, 8, 255);
    }
    const Utf8Rune rune = decode_utf8(text_, at_ - 1);
    return fail(start_, fmt::format("unknown escape sequence U+{:04X} {}", static_cast<uint32_t>(rune.value),
                                    quoted_rune(text_, at_ - 1)));
  }

  Result<void> numeric_escape(int digits, uint32_t base, uint32_t limit) {
    uint32_t value = 0;
    const bool is_byte = limit == 255;
    for (int i = 0; i < digits; ++i, ++at_) {
      if (at_ == text_.size()) return fail(start_, "escape sequence not terminated");
      const char c = text_[at_];
      uint32_t digit = 99;
      if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
      if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a' + 10);
      if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A' + 10);
      if (digit >= base) {
        return fail(start_, fmt::format("illegal character U+{:04X} {} in escape sequence",
                                        static_cast<uint32_t>(decode_utf8(text_, at_).value), quoted_rune(text_, at_)));
      }
      value = value * base + digit;
    }
    if (value > limit || (value >= 0xD800 && value < 0xE000)) {
      return fail(start_, "escape sequence is an invalid Unicode code point");
    }
    if (is_byte) {
      value_ += static_cast<char>(value);
    } else {
      append_utf8(value, &value_);
    }
    return {};
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  Error unexpected(std::string_view expected) const {
    std::string got(text_.substr(start_, at_ - start_));
    std::string description;
    switch (token_) {
      case Token::end: description = "end of input"; break;
      case Token::identifier: description = "identifier " + shortened(got); break;
      case Token::text: description = "string " + shortened(got); break;
      case Token::other_operator: description = "<op:" + got + ">"; break;
      default: description = "\"" + got + "\""; break;
    }
    return fail(start_, fmt::format("unexpected {} in label set, expected {}", description, expected));
  }

  /// Long tokens are quoted by their first ten bytes.
  static std::string shortened(const std::string& token) {
    std::string out;
    append_go_quoted(token.substr(0, 10), &out);
    return token.size() > 10 ? out + "..." : out;
  }

  Error fail(size_t at, const std::string& message) const {
    const std::string_view before = text_.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t line_break = before.rfind('\n');
    const size_t column = line_break == std::string_view::npos ? at + 1 : at - line_break;
    return Error::invalid(fmt::format("{}:{}: parse error: {}", line, column, message));
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t start_ = 0;
  Token token_ = Token::end;
  std::string value_;
  std::vector<Labels::Pair> pairs_;
};

}  // namespace

Result<std::vector<Labels::Pair>> parse_label_text(std::string_view text) {
  TRY_ASSIGN(auto pairs, LabelTextParser(text).parse());
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return pairs;
}

}  // namespace cordwood::ingest
