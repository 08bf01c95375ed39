// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/logql_ast.h"
#include "query/logql_lexer.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// The recursive-descent parser behind parse_logql(): selector and pipeline parts are in logql_parser_pipeline.cc,
/// label filters in logql_parser_filter.cc, metric expressions in logql_parser_metric.cc.
///
/// A rule about meaning that Loki checks after the whole text was read is kept by defer(); the one that stands
/// furthest left and outermost is reported when the syntax is right.
class LogqlParser {
 public:
  explicit LogqlParser(std::string_view text) : lexemes_(lex_logql(text)) {}

  /// A whole query.
  Result<ExprPtr> parse_query();

 private:
  // ---- tokens
  const Lexeme& peek() const { return lexemes_[at_]; }
  Token token() const { return lexemes_[at_].token; }
  Lexeme& take() { return lexemes_[at_ + 1 < lexemes_.size() ? at_++ : at_]; }
  bool accept(Token token);
  /// The error for the token at hand.  At most four expected tokens are named; give none when there are more.
  Error unexpected(std::initializer_list<Token> expected = {}) const;
  /// Takes `token`, or fails naming it as the only one expected.
  Result<void> expect(Token token);
  Result<std::string> expect_text(Token token);
  void defer(size_t start, std::string message);
  Result<void> enter();  ///< counts one level of nesting
  void leave() { --depth_; }
  Result<void> count_node();

  // ---- selector and pipeline
  Result<std::vector<Matcher>> parse_selector_braces();
  Result<Matcher> parse_matcher();
  bool at_stage() const;
  /// Appends stages until none follows; stops in front of `| unwrap` when `in_range`.
  Result<void> parse_stages(bool in_range, std::vector<Stage>* out);
  Result<Stage> parse_piped_stage();
  Result<Stage> parse_line_filter();
  Result<Stage> parse_json();
  Result<Stage> parse_logfmt();
  Result<Stage> parse_regexp();
  Result<Stage> parse_pattern();
  Result<Stage> parse_line_format();
  Result<Stage> parse_label_format();
  Result<std::vector<NamedLabel>> parse_named_labels();
  Result<std::vector<ExtractionExpr>> parse_extractions();

  // ---- label filters
  enum class Pending : unsigned char { none, comma, logical_or, logical_and };
  Result<LabelFilterPtr> parse_label_filter(Pending pending);
  Result<LabelFilterPtr> parse_filter_operand();
  Result<LabelFilterPtr> parse_comparison();
  Result<LabelFilterPtr> parse_quantity(std::string name, CompareOp op);
  Result<double> parse_signed_number();

  // ---- metric expressions
  Result<ExprPtr> parse_expr(int min_precedence);
  Result<ExprPtr> parse_operand();
  Result<ExprPtr> parse_metric_expr();  ///< refuses a log query
  Result<ExprPtr> parse_log_query();
  Result<ExprPtr> parse_range_aggregation();
  Result<ExprPtr> parse_vector_aggregation();
  Result<ExprPtr> parse_label_replace();
  Result<ExprPtr> parse_vector();
  Result<LogRange> parse_log_range();
  /// `has_range` tells whether the `[5m]` was seen; without it a parenthesis must follow.
  Result<LogRange> parse_range_body(bool in_paren, bool* has_range);
  Result<void> parse_offset(LogRange* range);
  Result<void> parse_unwrap(LogRange* range);
  bool at_unwrap() const;
  Result<Grouping> parse_grouping();
  Result<std::vector<std::string>> parse_label_list();
  Result<void> parse_modifiers(BinaryExpr* binary);
  ExprPtr make_binary(BinaryExpr binary, size_t start);
  void check_vector_aggregation(VectorAggregation* aggregation, const std::string* parameter, size_t start);
  void check_range_aggregation(RangeAggregation* aggregation, const std::string* parameter, size_t start);

  std::vector<Lexeme> lexemes_;
  size_t at_ = 0;
  int depth_ = 0;
  size_t nodes_ = 0;
  bool has_deferred_ = false;
  size_t deferred_start_ = 0;
  std::string deferred_;
};

/// The text of an error without a position.
Error semantic_error(std::string_view message);

}  // namespace cordwood::query
