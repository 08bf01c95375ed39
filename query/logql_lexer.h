// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/logql_ast.h"

namespace cordwood::query {

/// In the order in which an error message lists what it expected.
enum class Token : unsigned char {
  end,
  error,
  bytes,
  identifier,
  string,
  number,
  parser_flag,
  duration,
  range,
  equal,
  match,
  not_match,
  not_pattern,
  open_brace,
  close_brace,
  comma,
  pipe_match,
  pipe_exact,
  pipe_pattern,
  open_paren,
  close_paren,
  by,
  without,
  range_function,
  vector_function,
  bool_modifier,
  json,
  regexp,
  logfmt,
  pipe,
  line_format,
  label_format,
  unwrap,
  bytes_conversion,
  duration_conversion,
  duration_seconds_conversion,
  vector,
  label_replace,
  unpack,
  offset,
  pattern,
  ip,
  on,
  ignoring,
  group_left,
  group_right,
  decolorize,
  drop,
  keep,
  set_or,
  set_and,
  set_unless,
  compare_equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  add,
  sub,
  mul,
  div,
  mod,
  pow
};

struct Lexeme {
  Token token = Token::end;
  std::string text;         ///< decoded string, identifier, number or flag; the message of an error
  std::string_view name;    ///< how a message calls this token
  int64_t duration_ns = 0;  ///< of duration and range
  uint64_t bytes = 0;
  RangeOp range_op = RangeOp::count;
  VectorOp vector_op = VectorOp::sum;
  uint32_t line = 0;    ///< 1-based; 0 after tokens that were read in raw form
  uint32_t column = 0;  ///< 1-based, in runes
};

/// How an error message calls the token.
std::string_view token_name(Token token);

/// Splits a query into tokens.  The last one is `end` or `error`; nothing after an error is read.
std::vector<Lexeme> lex_logql(std::string_view text);

}  // namespace cordwood::query
