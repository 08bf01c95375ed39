// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "query/extract_pattern.h"
#include "query/extract_regexp.h"
#include "query/logql_parser_impl.h"

/// Selectors and the stages of a pipeline.
namespace cordwood::query {

namespace {

struct FilterOp {
  Token token;
  LineOp op;
};
constexpr FilterOp kFilterOps[] = {{Token::pipe_exact, LineOp::contains},  {Token::not_equal, LineOp::not_contains},
                                   {Token::pipe_match, LineOp::regex},     {Token::not_match, LineOp::not_regex},
                                   {Token::pipe_pattern, LineOp::pattern}, {Token::not_pattern, LineOp::not_pattern}};

const FilterOp* find_filter_op(Token token) {
  for (const FilterOp& op : kFilterOps) {
    if (op.token == token) return &op;
  }
  return nullptr;
}

}  // namespace

Result<std::vector<Matcher>> LogqlParser::parse_selector_braces() {
  TRY(expect(Token::open_brace));
  std::vector<Matcher> matchers;
  if (accept(Token::close_brace)) return matchers;
  if (token() != Token::identifier) return unexpected({Token::identifier, Token::close_brace});
  for (;;) {
    TRY_ASSIGN(Matcher matcher, parse_matcher());
    matchers.push_back(std::move(matcher));
    if (accept(Token::close_brace)) return matchers;
    if (!accept(Token::comma)) return unexpected({Token::close_brace, Token::comma});
    if (token() != Token::identifier) return unexpected({Token::identifier});
  }
}

/// At an identifier.
Result<Matcher> LogqlParser::parse_matcher() {
  std::string name = std::move(take().text);
  MatchOp op = MatchOp::equal;
  switch (token()) {
    case Token::equal: op = MatchOp::equal; break;
    case Token::not_equal: op = MatchOp::not_equal; break;
    case Token::match: op = MatchOp::regex; break;
    case Token::not_match: op = MatchOp::not_regex; break;
    default: return unexpected({Token::equal, Token::match, Token::not_match, Token::not_equal});
  }
  take();
  TRY_ASSIGN(std::string value, expect_text(Token::string));
  auto matcher = Matcher::make(std::move(name), op, std::move(value));
  if (!matcher.ok()) return semantic_error(matcher.error().message);
  return matcher;
}

bool LogqlParser::at_stage() const {
  return token() == Token::pipe || find_filter_op(token()) != nullptr;
}

bool LogqlParser::at_unwrap() const {
  return token() == Token::pipe && at_ + 1 < lexemes_.size() && lexemes_[at_ + 1].token == Token::unwrap;
}

Result<void> LogqlParser::parse_stages(bool in_range, std::vector<Stage>* out) {
  while (at_stage()) {
    if (in_range && at_unwrap()) return {};
    TRY(count_node());
    auto stage = token() == Token::pipe ? parse_piped_stage() : parse_line_filter();
    if (!stage.ok()) return std::move(stage).error();
    out->push_back(std::move(stage).value());
  }
  return {};
}

/// At `|`.
Result<Stage> LogqlParser::parse_piped_stage() {
  take();
  switch (token()) {
    case Token::json: return parse_json();
    case Token::logfmt: return parse_logfmt();
    case Token::regexp: return parse_regexp();
    case Token::pattern: return parse_pattern();
    case Token::line_format: return parse_line_format();
    case Token::label_format: return parse_label_format();
    case Token::unpack: take(); return Stage(UnpackStage{});
    case Token::decolorize: take(); return Stage(DecolorizeStage{});
    case Token::drop: {
      take();
      TRY_ASSIGN(std::vector<NamedLabel> labels, parse_named_labels());
      return Stage(DropStage{std::move(labels)});
    }
    case Token::keep: {
      take();
      TRY_ASSIGN(std::vector<NamedLabel> labels, parse_named_labels());
      return Stage(KeepStage{std::move(labels)});
    }
    case Token::identifier:
    case Token::open_paren: {
      TRY_ASSIGN(LabelFilterPtr filter, parse_label_filter(Pending::none));
      return Stage(LabelFilterStage{std::move(filter)});
    }
    default: return unexpected();
  }
}

Result<Stage> LogqlParser::parse_line_filter() {
  LineFilterStage stage;
  stage.op = find_filter_op(take().token)->op;
  for (;;) {
    TRY(count_node());
    if (token() == Token::string) {
      stage.operands.push_back({.ip = false, .text = std::move(take().text)});
      if (!accept(Token::set_or)) return Stage(std::move(stage));
      continue;
    }
    if (!accept(Token::ip)) return unexpected({Token::string, Token::ip});
    TRY(expect(Token::open_paren));
    TRY_ASSIGN(std::string text, expect_text(Token::string));
    TRY(expect(Token::close_paren));
    stage.operands.push_back({.ip = true, .text = std::move(text)});
    if (stage.operands.size() > 1 || !accept(Token::set_or)) return Stage(std::move(stage));
  }
}

Result<std::vector<ExtractionExpr>> LogqlParser::parse_extractions() {
  std::vector<ExtractionExpr> list;
  if (token() != Token::identifier) return list;
  for (;;) {
    TRY_ASSIGN(std::string name, expect_text(Token::identifier));
    std::string expression = name;
    if (accept(Token::equal)) {
      TRY_ASSIGN(expression, expect_text(Token::string));
    }
    list.push_back({std::move(name), std::move(expression)});
    if (!accept(Token::comma)) return list;
  }
}

Result<Stage> LogqlParser::parse_json() {
  take();
  TRY_ASSIGN(std::vector<ExtractionExpr> expressions, parse_extractions());
  return Stage(JsonStage{std::move(expressions)});
}

Result<Stage> LogqlParser::parse_logfmt() {
  take();
  LogfmtStage stage;
  while (token() == Token::parser_flag) {
    if (take().text == "-strict") {
      stage.strict = true;
    } else {
      stage.keep_empty = true;
    }
  }
  TRY_ASSIGN(stage.expressions, parse_extractions());
  return Stage(std::move(stage));
}

Result<Stage> LogqlParser::parse_regexp() {
  take();
  TRY_ASSIGN(std::string expression, expect_text(Token::string));
  if (const auto checked = RegexpExtractor::make(expression); !checked.ok()) {
    return semantic_error(fmt::format("invalid regexp parser: {}", checked.error().message));
  }
  return Stage(RegexpStage{std::move(expression)});
}

Result<Stage> LogqlParser::parse_pattern() {
  take();
  TRY_ASSIGN(std::string expression, expect_text(Token::string));
  if (const auto checked = PatternExtractor::make(expression); !checked.ok()) {
    return semantic_error(fmt::format("invalid pattern parser: {}", checked.error().message));
  }
  return Stage(PatternStage{std::move(expression)});
}

Result<Stage> LogqlParser::parse_line_format() {
  take();
  TRY_ASSIGN(std::string text, expect_text(Token::string));
  return Stage(LineFormatStage{std::move(text)});
}

Result<Stage> LogqlParser::parse_label_format() {
  take();
  LabelFormatStage stage;
  do {
    LabelFormat format;
    TRY_ASSIGN(format.name, expect_text(Token::identifier));
    TRY(expect(Token::equal));
    format.rename = token() == Token::identifier;
    if (!format.rename && token() != Token::string) return unexpected({Token::identifier, Token::string});
    format.value = std::move(take().text);
    stage.formats.push_back(std::move(format));
  } while (accept(Token::comma));
  return Stage(std::move(stage));
}

Result<std::vector<NamedLabel>> LogqlParser::parse_named_labels() {
  std::vector<NamedLabel> labels;
  do {
    if (token() != Token::identifier) return unexpected({Token::identifier});
    const Token next = lexemes_[at_ + 1].token;
    const bool matched =
        next == Token::equal || next == Token::not_equal || next == Token::match || next == Token::not_match;
    NamedLabel label;
    label.name = peek().text;
    if (matched) {
      TRY_ASSIGN(label.matcher, parse_matcher());
    } else {
      take();
    }
    labels.push_back(std::move(label));
  } while (accept(Token::comma));
  return labels;
}

}  // namespace cordwood::query
