// SPDX-License-Identifier: Apache-2.0
#include "query/template_lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/logql_scanner.h"
#include "storage/base/ascii.h"
#include "storage/model/labels.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

constexpr std::string_view kTemplateSpace = " \t\r\n";

struct TemplateKeyword {
  std::string_view text;
  TemplateToken token;
};
constexpr TemplateKeyword kTemplateKeywords[] = {{"block", TemplateToken::keyword_block},
                                                 {"break", TemplateToken::keyword_break},
                                                 {"continue", TemplateToken::keyword_continue},
                                                 {"define", TemplateToken::keyword_define},
                                                 {"else", TemplateToken::keyword_else},
                                                 {"end", TemplateToken::keyword_end},
                                                 {"if", TemplateToken::keyword_if},
                                                 {"nil", TemplateToken::keyword_nil},
                                                 {"range", TemplateToken::keyword_range},
                                                 {"template", TemplateToken::keyword_template},
                                                 {"with", TemplateToken::keyword_with},
                                                 {"true", TemplateToken::boolean},
                                                 {"false", TemplateToken::boolean}};

bool is_template_space(char c) {
  return kTemplateSpace.find(c) != std::string_view::npos;
}

class TemplateLexer {
 public:
  explicit TemplateLexer(std::string_view text) : text_(text) {}

  std::vector<TemplateLexeme> run() {
    while (!done_) lex_text();
    return std::move(lexemes_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  void emit(TemplateToken token, size_t start, size_t end) {
    lexemes_.push_back({token, start, line_, std::string(text_.substr(start, end - start))});
    line_ += static_cast<uint32_t>(
        std::count(text_.begin() + static_cast<long>(start), text_.begin() + static_cast<long>(end), '\n'));
    at_ = end;
  }
  void emit_here(TemplateToken token, size_t length) { emit(token, at_, at_ + length); }
  void skip(size_t length) {
    line_ += static_cast<uint32_t>(
        std::count(text_.begin() + static_cast<long>(at_), text_.begin() + static_cast<long>(at_ + length), '\n'));
    at_ += length;
  }
  void fail(std::string message) {
    lexemes_.push_back({TemplateToken::error, at_, line_, std::move(message)});
    done_ = true;
  }

  bool trims_left(size_t at) const {
    return at + 1 < text_.size() && text_[at] == '-' && is_template_space(text_[at + 1]);
  }

  /// Text up to the next action, then the action.
  void lex_text() {
    const size_t open = text_.find("{{", at_);
    size_t end = std::min(open, text_.size());
    const size_t start = at_;
    if (open != std::string_view::npos && trims_left(open + 2)) {
      while (end > start && is_template_space(text_[end - 1])) --end;
    }
    if (end > start) emit(TemplateToken::text, start, end);
    if (open == std::string_view::npos) {
      emit(TemplateToken::end_of_text, text_.size(), text_.size());
      done_ = true;
      return;
    }
    skip(open - at_);
    const size_t marker = trims_left(open + 2) ? 2 : 0;
    if (text_.substr(open + 2 + marker).starts_with("/*")) return lex_comment(open, marker);
    emit_here(TemplateToken::left_delim, 2);
    skip(marker);
    parens_ = 0;
    lex_action();
  }

  void trim_after() {
    size_t length = 0;
    while (at_ + length < text_.size() && is_template_space(text_[at_ + length])) ++length;
    skip(length);
  }

  void lex_comment(size_t open, size_t marker) {
    const size_t close = text_.find("*/", open + 2 + marker + 2);
    if (close == std::string_view::npos) return fail("unclosed comment");
    const std::string_view behind = text_.substr(close + 2);
    if (behind.starts_with("}}")) return skip(close + 4 - at_);
    if (behind.size() > 3 && is_template_space(behind[0]) && behind[1] == '-' && behind.substr(2).starts_with("}}")) {
      skip(close + 6 - at_);
      return trim_after();
    }
    fail("comment ends before closing delimiter");
  }

  void lex_action() {
    while (!done_) {
      const std::string_view here = rest();
      const bool trims = here.size() >= 4 && is_template_space(here[0]) && here.substr(1).starts_with("-}}");
      if (here.starts_with("}}") || trims) {
        if (parens_ > 0) return fail("unclosed left paren");
        if (trims) skip(2);
        emit_here(TemplateToken::right_delim, 2);
        if (trims) trim_after();
        return;
      }
      if (here.empty()) return fail("unclosed action");
      lex_item(here[0]);
    }
  }

  void lex_item(char c) {
    if (is_template_space(c)) return lex_space();
    switch (c) {
      case '=': return emit_here(TemplateToken::assign, 1);
      case ':':
        if (!rest().starts_with(":=")) return fail("expected :=");
        return emit_here(TemplateToken::declare, 2);
      case '|': return emit_here(TemplateToken::pipe, 1);
      case '"': return lex_quote('"', TemplateToken::string, "unterminated quoted string");
      case '\'': return lex_quote('\'', TemplateToken::character_constant, "unterminated character constant");
      case '`': return lex_raw_quote();
      case '$': return lex_word(TemplateToken::variable);
      case '(': ++parens_; return emit_here(TemplateToken::left_paren, 1);
      case ')':
        if (--parens_ < 0) return fail("unexpected right paren");
        return emit_here(TemplateToken::right_paren, 1);
      case '.':
        if (rest().size() < 2 || !is_digit(rest()[1])) return lex_word(TemplateToken::field);
        return lex_number();
      default: break;
    }
    if (c == '+' || c == '-' || is_digit(c)) return lex_number();
    const Utf8Rune rune = decode_utf8(text_, at_);
    if (c == '_' || is_letter(rune.value)) return lex_word(TemplateToken::identifier);
    if (c > ' ' && c < 0x7F) return emit_here(TemplateToken::character, 1);
    fail(fmt::format("unrecognized character in action: U+{:04X}", static_cast<uint32_t>(rune.value)));
  }

  void lex_space() {
    size_t length = 0;
    while (length < rest().size() && is_template_space(rest()[length])) {
      // A space that belongs to the trim mark ` -}}` stays.
      if (rest().substr(length + 1).starts_with("-}}") && length > 0) break;
      ++length;
    }
    emit_here(TemplateToken::space, length);
  }

  void lex_quote(char quote, TemplateToken token, const char* error) {
    size_t i = 1;
    for (; i < rest().size() && rest()[i] != quote; ++i) {
      if (rest()[i] == '\n') return fail(error);
      if (rest()[i] == '\\') ++i;
    }
    if (i >= rest().size()) return fail(error);
    emit_here(token, i + 1);
  }

  void lex_raw_quote() {
    const size_t close = rest().find('`', 1);
    if (close == std::string_view::npos) return fail("unterminated raw quoted string");
    emit_here(TemplateToken::raw_string, close + 1);
  }

  bool at_terminator(size_t length) const {
    if (length >= rest().size()) return true;
    const char c = rest()[length];
    return is_template_space(c) || std::string_view(".,|:)(").find(c) != std::string_view::npos ||
           rest().substr(length).starts_with("}}");
  }

  void lex_word(TemplateToken token) {
    size_t length = token == TemplateToken::identifier ? 0 : 1;
    while (length < rest().size()) {
      const Utf8Rune rune = decode_utf8(text_, at_ + length);
      if (rune.value != '_' && !is_letter(rune.value) && !(rune.value >= '0' && rune.value <= '9')) break;
      length += rune.size;
    }
    if (token != TemplateToken::identifier && length == 1 && token == TemplateToken::field) {
      return emit_here(TemplateToken::dot, 1);
    }
    if (!at_terminator(length)) {
      const Utf8Rune rune = decode_utf8(text_, at_ + length);
      std::string shown;
      append_utf8(rune.value, &shown);
      return fail(fmt::format("bad character U+{:04X} '{}'", static_cast<uint32_t>(rune.value), shown));
    }
    if (token == TemplateToken::identifier) {
      for (const TemplateKeyword& keyword : kTemplateKeywords) {
        if (keyword.text == rest().substr(0, length)) token = keyword.token;
      }
    }
    emit_here(token, length);
  }

  void lex_number() {
    size_t length = rest()[0] == '+' || rest()[0] == '-' ? 1 : 0;
    const std::string_view body = rest().substr(length);
    std::string_view digits = "0123456789_";
    bool hex = false;
    if (body.size() > 1 && body[0] == '0') {
      const char mark = static_cast<char>(body[1] | 0x20);
      hex = mark == 'x';
      if (hex) digits = "0123456789abcdefABCDEF_";
      if (hex || mark == 'o' || mark == 'b') length += 2;
    }
    const auto take = [&](std::string_view set) {
      while (length < rest().size() && set.find(rest()[length]) != std::string_view::npos) ++length;
    };
    take(digits);
    if (length < rest().size() && rest()[length] == '.') {
      ++length;
      take(digits);
    }
    if (length < rest().size() && (rest()[length] | 0x20) == (hex ? 'p' : 'e')) {
      ++length;
      if (length < rest().size() && (rest()[length] == '+' || rest()[length] == '-')) ++length;
      take("0123456789_");
    }
    if (!at_terminator(length)) {
      while (!at_terminator(length)) ++length;
      return fail(fmt::format("bad number syntax: \"{}\"", rest().substr(0, length)));
    }
    emit_here(TemplateToken::number, length);
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  int parens_ = 0;
  bool done_ = false;
  std::vector<TemplateLexeme> lexemes_;
};

}  // namespace

std::string TemplateLexeme::quoted() const {
  if (token == TemplateToken::end_of_text) return "EOF";
  if (token == TemplateToken::error) return text;
  if (is_keyword()) return "<" + text + ">";
  std::string out;
  if (text.size() > 10) {
    append_go_quoted(text.substr(0, 10), &out);
    return out + "...";
  }
  append_go_quoted(text, &out);
  return out;
}

std::vector<TemplateLexeme> lex_template(std::string_view text) {
  return TemplateLexer(text).run();
}

}  // namespace cordwood::query
