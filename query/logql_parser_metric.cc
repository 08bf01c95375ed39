// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "query/logql_fold.h"
#include "query/logql_parser_impl.h"
#include "query/logql_print.h"
#include "query/number_text.h"
#include "storage/model/go_regex.h"

/// Metric expressions: operators and aggregations.
namespace cordwood::query {

namespace {

struct BinaryOperator {
  Token token;
  BinaryOp op;
};
constexpr BinaryOperator kBinaryOperators[] = {{Token::set_or, BinaryOp::set_or},
                                               {Token::set_and, BinaryOp::set_and},
                                               {Token::set_unless, BinaryOp::set_unless},
                                               {Token::compare_equal, BinaryOp::equal},
                                               {Token::not_equal, BinaryOp::not_equal},
                                               {Token::less, BinaryOp::less},
                                               {Token::less_equal, BinaryOp::less_equal},
                                               {Token::greater, BinaryOp::greater},
                                               {Token::greater_equal, BinaryOp::greater_equal},
                                               {Token::add, BinaryOp::add},
                                               {Token::sub, BinaryOp::sub},
                                               {Token::mul, BinaryOp::mul},
                                               {Token::div, BinaryOp::div},
                                               {Token::mod, BinaryOp::mod},
                                               {Token::pow, BinaryOp::pow}};

const BinaryOperator* find_operator(Token token) {
  for (const BinaryOperator& op : kBinaryOperators) {
    if (op.token == token) return &op;
  }
  return nullptr;
}

ExprPtr make_expr(auto node) {
  return std::make_shared<const Expr>(Expr{std::move(node)});
}

const NumberExpr* as_number(const ExprPtr& expr) {
  return std::get_if<NumberExpr>(&expr->node);
}

bool groups_itself(RangeOp op) {
  switch (op) {
    case RangeOp::avg:
    case RangeOp::stddev:
    case RangeOp::stdvar:
    case RangeOp::quantile:
    case RangeOp::max:
    case RangeOp::min:
    case RangeOp::first:
    case RangeOp::last: return true;
    default: return false;
  }
}

bool may_unwrap(RangeOp op) {
  return op != RangeOp::count && op != RangeOp::bytes && op != RangeOp::bytes_rate;
}

bool must_unwrap(RangeOp op) {
  return may_unwrap(op) && op != RangeOp::rate && op != RangeOp::absent;
}

std::string_view type_name(const LogQuery& query) {
  return query.stages.empty() ? "*syntax.MatchersExpr" : "*syntax.PipelineExpr";
}

}  // namespace

Result<ExprPtr> LogqlParser::parse_expr(int min_precedence) {
  TRY(enter());
  const size_t start = at_;
  TRY_ASSIGN(ExprPtr left, parse_operand());
  for (const BinaryOperator* op = find_operator(token()); op != nullptr && precedence(op->op) >= min_precedence;
       op = find_operator(token())) {
    TRY(count_node());
    take();
    BinaryExpr binary;
    binary.op = op->op;
    TRY(parse_modifiers(&binary));
    TRY_ASSIGN(binary.right, parse_expr(precedence(op->op) + (op->op == BinaryOp::pow ? 0 : 1)));
    binary.left = std::move(left);
    left = make_binary(std::move(binary), start);
  }
  leave();
  return left;
}

Result<ExprPtr> LogqlParser::parse_operand() {
  switch (token()) {
    case Token::open_paren: {
      take();
      TRY_ASSIGN(ExprPtr inner, parse_expr(0));
      if (!accept(Token::close_paren)) return unexpected();
      return inner;
    }
    case Token::open_brace: return parse_log_query();
    case Token::number:
    case Token::add:
    case Token::sub: {
      TRY_ASSIGN(const double value, parse_signed_number());
      return make_expr(NumberExpr{value});
    }
    case Token::range_function: return parse_range_aggregation();
    case Token::vector_function: return parse_vector_aggregation();
    case Token::label_replace: return parse_label_replace();
    case Token::vector: return parse_vector();
    default: return unexpected();
  }
}

Result<ExprPtr> LogqlParser::parse_metric_expr() {
  TRY_ASSIGN(ExprPtr expr, parse_expr(0));
  if (as_log_query(*expr) != nullptr) return unexpected();
  return expr;
}

Result<ExprPtr> LogqlParser::parse_log_query() {
  LogQuery query;
  TRY_ASSIGN(query.matchers, parse_selector_braces());
  TRY(parse_stages(false, &query.stages));
  return make_expr(std::move(query));
}

ExprPtr LogqlParser::make_binary(BinaryExpr binary, size_t start) {
  const std::string_view op = to_string(binary.op);
  for (const bool left : {true, false}) {
    const LogQuery* query = as_log_query(left ? *binary.left : *binary.right);
    if (query == nullptr) continue;
    defer(start, fmt::format("unexpected type for {} leg of binary operation ({}): {}", left ? "left" : "right", op,
                             type_name(*query)));
    return make_expr(std::move(binary));
  }
  const NumberExpr* left = as_number(binary.left);
  const NumberExpr* right = as_number(binary.right);
  if (is_set_op(binary.op) && (left != nullptr || right != nullptr)) {
    defer(start, fmt::format("unexpected literal for {} leg of logical/set binary operation ({}): {:f}",
                             left != nullptr ? "left" : "right", op, left != nullptr ? left->value : right->value));
    return make_expr(std::move(binary));
  }
  if (left != nullptr && right != nullptr) {
    return make_expr(NumberExpr{apply_binary(binary.op, left->value, right->value)});
  }
  return make_expr(std::move(binary));
}

Result<void> LogqlParser::parse_modifiers(BinaryExpr* binary) {
  binary->return_bool = accept(Token::bool_modifier);
  if (token() != Token::on && token() != Token::ignoring) return {};
  binary->on = take().token == Token::on;
  if (token() != Token::open_paren) return unexpected({Token::open_paren});
  TRY_ASSIGN(binary->matching, parse_label_list());
  if (token() != Token::group_left && token() != Token::group_right) return {};
  binary->cardinality = take().token == Token::group_left ? Cardinality::many_to_one : Cardinality::one_to_many;
  if (token() == Token::open_paren) {
    TRY_ASSIGN(binary->include, parse_label_list());
  }
  return {};
}

/// At `(`.
Result<std::vector<std::string>> LogqlParser::parse_label_list() {
  take();
  std::vector<std::string> labels;
  if (accept(Token::close_paren)) return labels;
  if (token() != Token::identifier) return unexpected({Token::identifier, Token::close_paren});
  for (;;) {
    TRY_ASSIGN(std::string label, expect_text(Token::identifier));
    labels.push_back(std::move(label));
    if (accept(Token::close_paren)) return labels;
    if (!accept(Token::comma)) return unexpected({Token::comma, Token::close_paren});
  }
}

/// At `by` or `without`.
Result<Grouping> LogqlParser::parse_grouping() {
  Grouping grouping;
  grouping.without = take().token == Token::without;
  if (token() != Token::open_paren) return unexpected({Token::open_paren});
  TRY_ASSIGN(grouping.labels, parse_label_list());
  return grouping;
}

Result<ExprPtr> LogqlParser::parse_range_aggregation() {
  TRY(enter());
  const size_t start = at_;
  RangeAggregation aggregation;
  aggregation.op = take().range_op;
  TRY(expect(Token::open_paren));
  std::string parameter;
  const bool has_parameter = token() == Token::number;
  if (has_parameter) {
    parameter = std::move(take().text);
    TRY(expect(Token::comma));
    if (token() != Token::open_brace && token() != Token::open_paren) {
      return unexpected({Token::open_brace, Token::open_paren});
    }
  }
  if (token() != Token::open_brace && token() != Token::open_paren) {
    return unexpected({Token::number, Token::open_brace, Token::open_paren});
  }
  TRY_ASSIGN(aggregation.range, parse_log_range());
  TRY(expect(Token::close_paren));
  if (token() == Token::by || token() == Token::without) {
    TRY_ASSIGN(aggregation.grouping, parse_grouping());
  }
  check_range_aggregation(&aggregation, has_parameter ? &parameter : nullptr, start);
  leave();
  return make_expr(std::move(aggregation));
}

void LogqlParser::check_range_aggregation(RangeAggregation* aggregation, const std::string* parameter, size_t start) {
  const RangeOp op = aggregation->op;
  const std::string_view name = to_string(op);
  if (parameter != nullptr && op != RangeOp::quantile) {
    return defer(start, fmt::format("parameter {} not supported for operation {}", *parameter, name));
  }
  if (parameter == nullptr && op == RangeOp::quantile) {
    return defer(start, fmt::format("parameter required for operation {}", name));
  }
  if (parameter != nullptr) {
    const auto value = parse_go_float(*parameter);
    if (!value.ok()) {
      return defer(start, fmt::format("invalid parameter for operation {}: {}", name, value.error().message));
    }
    aggregation->parameter = *value;
  }
  if (aggregation->grouping && !groups_itself(op)) {
    return defer(start, fmt::format("grouping not allowed for {} aggregation", name));
  }
  const bool unwrapped = aggregation->range.unwrap.has_value();
  if (unwrapped && !may_unwrap(op)) return defer(start, fmt::format("invalid aggregation {} with unwrap", name));
  if (!unwrapped && must_unwrap(op)) return defer(start, fmt::format("invalid aggregation {} without unwrap", name));
}

Result<ExprPtr> LogqlParser::parse_vector_aggregation() {
  TRY(enter());
  const size_t start = at_;
  VectorAggregation aggregation;
  aggregation.op = take().vector_op;
  const bool prefix = token() == Token::by || token() == Token::without;
  if (prefix) {
    TRY_ASSIGN(aggregation.grouping, parse_grouping());
  }
  TRY(expect(Token::open_paren));
  std::string parameter;
  const bool has_parameter = token() == Token::number && lexemes_[at_ + 1].token == Token::comma;
  if (has_parameter) {
    parameter = std::move(take().text);
    take();
  }
  TRY_ASSIGN(aggregation.inner, parse_metric_expr());
  if (!accept(Token::close_paren)) return unexpected();
  if (!prefix && (token() == Token::by || token() == Token::without)) {
    TRY_ASSIGN(aggregation.grouping, parse_grouping());
  }
  check_vector_aggregation(&aggregation, has_parameter ? &parameter : nullptr, start);
  leave();
  return make_expr(std::move(aggregation));
}

void LogqlParser::check_vector_aggregation(VectorAggregation* aggregation, const std::string* parameter, size_t start) {
  const VectorOp op = aggregation->op;
  const std::string_view name = to_string(op);
  const bool ranked = op == VectorOp::topk || op == VectorOp::bottomk || op == VectorOp::approx_topk;
  if (!ranked && parameter != nullptr) {
    return defer(start, fmt::format("unsupported parameter for operation {}({},", name, *parameter));
  }
  if (ranked) {
    if (parameter == nullptr) return defer(start, fmt::format("parameter required for operation {}", name));
    const auto value = parse_go_int(*parameter, 10);
    if (!value.ok()) return defer(start, fmt::format("invalid parameter {}({},", name, *parameter));
    if (*value <= 0) {
      return defer(start, fmt::format("invalid parameter (must be greater than 0) {}({}", name, *parameter));
    }
    aggregation->parameter = *value;
  }
  if (!aggregation->grouping) return;
  if (op == VectorOp::sort || op == VectorOp::sort_desc) {
    return defer(start, "sort and sort_desc doesn't allow grouping by ");
  }
  if (op == VectorOp::approx_topk) defer(start, fmt::format("grouping not allowed for {} aggregation", name));
}

Result<ExprPtr> LogqlParser::parse_label_replace() {
  TRY(enter());
  const size_t start = at_;
  take();
  TRY(expect(Token::open_paren));
  LabelReplace replace;
  TRY_ASSIGN(replace.inner, parse_metric_expr());
  if (token() != Token::comma) return unexpected();
  for (std::string* text : {&replace.destination, &replace.replacement, &replace.source, &replace.regex}) {
    TRY(expect(Token::comma));
    TRY_ASSIGN(*text, expect_text(Token::string));
  }
  TRY(expect(Token::close_paren));
  if (const auto regex = compile_go_regex("^(?:" + replace.regex + ")$", {}); !regex.ok()) {
    defer(start, fmt::format("invalid regex in label_replace: {}", regex.error().message));
  }
  leave();
  return make_expr(std::move(replace));
}

Result<ExprPtr> LogqlParser::parse_vector() {
  take();
  TRY(expect(Token::open_paren));
  if (token() != Token::number) return unexpected({Token::number});
  TRY_ASSIGN(const double value, parse_signed_number());
  TRY(expect(Token::close_paren));
  return make_expr(VectorExpr{value});
}

}  // namespace cordwood::query
