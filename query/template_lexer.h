// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cordwood::query {

enum class TemplateToken : unsigned char {
  error,
  boolean,
  character,
  character_constant,
  assign,
  declare,
  end_of_text,
  field,
  identifier,
  left_delim,
  left_paren,
  number,
  pipe,
  raw_string,
  right_delim,
  right_paren,
  space,
  string,
  text,
  variable,
  keyword_block,
  keyword_break,
  keyword_continue,
  dot,
  keyword_define,
  keyword_else,
  keyword_end,
  keyword_if,
  keyword_nil,
  keyword_range,
  keyword_template,
  keyword_with
};

struct TemplateLexeme {
  TemplateToken token = TemplateToken::end_of_text;
  size_t position = 0;
  uint32_t line = 1;
  std::string text;

  bool is_keyword() const { return token >= TemplateToken::keyword_block && token != TemplateToken::dot; }
  /// As an error message quotes it.
  std::string quoted() const;
};

/// Splits a template into text and actions.  The last lexeme is the end or an error.
std::vector<TemplateLexeme> lex_template(std::string_view text);

}  // namespace cordwood::query
