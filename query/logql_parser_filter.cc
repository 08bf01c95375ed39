// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "query/logql_parser_impl.h"
#include "query/number_text.h"

/// Label filters of a pipeline: `status >= 500 and (path="/x" or took > 1s), ip != ip("10.0.0.0/8")`.
namespace cordwood::query {

namespace {

bool starts_operand(Token token) {
  return token == Token::identifier || token == Token::open_paren;
}

LabelFilterPtr make_filter(auto node) {
  return std::make_shared<const LabelFilter>(LabelFilter{std::move(node)});
}

}  // namespace

/// A comma or mere juxtaposition has no rank against `and` and `or`: what follows binds to its right side first, as in
/// Loki, so `a, b or c` is `a, (b or c)` while `a and b or c` is `(a and b) or c`.
Result<LabelFilterPtr> LogqlParser::parse_label_filter(Pending pending) {
  TRY(enter());
  TRY_ASSIGN(LabelFilterPtr left, parse_filter_operand());
  for (;;) {
    TRY(count_node());
    Pending next = Pending::comma;
    if (token() == Token::set_or) {
      next = Pending::logical_or;
    } else if (token() == Token::set_and) {
      next = Pending::logical_and;
    } else if (token() != Token::comma && !starts_operand(token())) {
      break;
    }
    const bool ranked = next != Pending::comma && (pending == Pending::logical_or || pending == Pending::logical_and);
    if (ranked && next <= pending) break;
    if (!starts_operand(token())) take();
    TRY_ASSIGN(LabelFilterPtr right, parse_label_filter(next));
    left = next == Pending::logical_or ? make_filter(OrLabelFilter{std::move(left), std::move(right)})
                                       : make_filter(AndLabelFilter{std::move(left), std::move(right)});
  }
  leave();
  return left;
}

Result<LabelFilterPtr> LogqlParser::parse_filter_operand() {
  if (token() == Token::identifier) return parse_comparison();
  if (!accept(Token::open_paren)) return unexpected({Token::identifier, Token::open_paren});
  TRY_ASSIGN(LabelFilterPtr inner, parse_label_filter(Pending::none));
  if (!accept(Token::close_paren)) return unexpected();
  return inner;
}

/// At an identifier.
Result<LabelFilterPtr> LogqlParser::parse_comparison() {
  const size_t start = at_;
  std::string name = take().text;
  const Token op = token();
  switch (op) {
    case Token::match:
    case Token::not_match: break;
    case Token::equal:
    case Token::not_equal:
      take();
      if (accept(Token::ip)) {
        TRY(expect(Token::open_paren));
        TRY_ASSIGN(std::string pattern, expect_text(Token::string));
        TRY(expect(Token::close_paren));
        return make_filter(IpLabelFilter{std::move(name), op == Token::not_equal, std::move(pattern)});
      }
      if (token() != Token::string) {
        return parse_quantity(std::move(name), op == Token::equal ? CompareOp::equal : CompareOp::not_equal);
      }
      break;
    case Token::compare_equal: take(); return parse_quantity(std::move(name), CompareOp::equal);
    case Token::greater: take(); return parse_quantity(std::move(name), CompareOp::greater);
    case Token::greater_equal: take(); return parse_quantity(std::move(name), CompareOp::greater_equal);
    case Token::less: take(); return parse_quantity(std::move(name), CompareOp::less);
    case Token::less_equal: take(); return parse_quantity(std::move(name), CompareOp::less_equal);
    default: return unexpected();
  }
  at_ = start;
  TRY_ASSIGN(Matcher matcher, parse_matcher());
  return make_filter(StringLabelFilter{std::move(matcher)});
}

Result<LabelFilterPtr> LogqlParser::parse_quantity(std::string name, CompareOp op) {
  switch (token()) {
    case Token::duration: return make_filter(DurationLabelFilter{std::move(name), op, take().duration_ns});
    case Token::bytes: return make_filter(BytesLabelFilter{std::move(name), op, take().bytes});
    case Token::number:
    case Token::add:
    case Token::sub: {
      TRY_ASSIGN(const double value, parse_signed_number());
      return make_filter(NumberLabelFilter{std::move(name), op, value});
    }
    default: return unexpected();
  }
}

/// At a number, or at a sign in front of one.
Result<double> LogqlParser::parse_signed_number() {
  const bool negative = token() == Token::sub;
  if (negative || token() == Token::add) take();
  TRY_ASSIGN(const std::string text, expect_text(Token::number));
  const auto value = parse_go_float(text);
  if (!value.ok()) {
    return semantic_error(fmt::format("unable to parse literal as a float: {}", value.error().message));
  }
  return negative ? -*value : *value;
}

}  // namespace cordwood::query
