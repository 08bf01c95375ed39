// SPDX-License-Identifier: Apache-2.0
#include "query/logql_parser_impl.h"

/// What stands between the parentheses of a range aggregation: selector, stages, `[5m]`, offset and unwrap, in the
/// orders that Loki takes.
namespace cordwood::query {

Result<LogRange> LogqlParser::parse_log_range() {
  TRY(enter());
  const bool in_paren = accept(Token::open_paren);
  bool has_range = false;
  TRY_ASSIGN(LogRange range, parse_range_body(in_paren, &has_range));
  if (in_paren) {
    TRY(expect(Token::close_paren));
    if (!has_range) {
      if (token() != Token::range) return unexpected({Token::range});
      range.range_ns = take().duration_ns;
      TRY(parse_offset(&range));
      // `({a="b"})[5m] | unwrap x` is taken only behind a bare selector.
      if (range.query.stages.empty() && !range.unwrap && at_unwrap()) TRY(parse_unwrap(&range));
    }
  }
  leave();
  return range;
}

Result<LogRange> LogqlParser::parse_range_body(bool in_paren, bool* has_range) {
  if (token() == Token::open_paren) {
    *has_range = true;
    return parse_log_range();
  }
  LogRange range;
  if (token() != Token::open_brace) return unexpected({Token::open_brace, Token::open_paren});
  TRY_ASSIGN(range.query.matchers, parse_selector_braces());
  if (token() == Token::range) {
    *has_range = true;
    range.range_ns = take().duration_ns;
    TRY(parse_offset(&range));
    TRY(parse_stages(true, &range.query.stages));
    if (at_unwrap()) TRY(parse_unwrap(&range));
    return range;
  }
  TRY(parse_stages(true, &range.query.stages));
  if (at_unwrap()) TRY(parse_unwrap(&range));
  if (token() == Token::range) {
    *has_range = true;
    range.range_ns = take().duration_ns;
    TRY(parse_offset(&range));
    return range;
  }
  if (in_paren && token() == Token::close_paren) return range;
  if (!range.unwrap) return unexpected();
  if (in_paren) return unexpected({Token::range, Token::close_paren, Token::pipe});
  return unexpected({Token::range, Token::pipe});
}

Result<void> LogqlParser::parse_offset(LogRange* range) {
  if (!accept(Token::offset)) return {};
  if (token() != Token::duration) return unexpected({Token::duration});
  range->offset_ns = take().duration_ns;
  return {};
}

/// At `| unwrap`.
Result<void> LogqlParser::parse_unwrap(LogRange* range) {
  take();
  take();
  Unwrap unwrap;
  switch (token()) {
    case Token::bytes_conversion: unwrap.conversion = UnwrapConversion::bytes; break;
    case Token::duration_conversion: unwrap.conversion = UnwrapConversion::duration; break;
    case Token::duration_seconds_conversion: unwrap.conversion = UnwrapConversion::duration_seconds; break;
    case Token::identifier: break;
    default:
      return unexpected(
          {Token::identifier, Token::bytes_conversion, Token::duration_conversion, Token::duration_seconds_conversion});
  }
  if (unwrap.conversion != UnwrapConversion::none) {
    take();
    TRY(expect(Token::open_paren));
    TRY_ASSIGN(unwrap.name, expect_text(Token::identifier));
    TRY(expect(Token::close_paren));
  } else {
    unwrap.name = std::move(take().text);
  }
  while (accept(Token::pipe)) {
    if (token() != Token::identifier && token() != Token::open_paren) {
      return unexpected({Token::identifier, Token::open_paren});
    }
    TRY_ASSIGN(LabelFilterPtr filter, parse_label_filter(Pending::none));
    unwrap.filters.push_back(std::move(filter));
  }
  range->unwrap = std::move(unwrap);
  return {};
}

}  // namespace cordwood::query
