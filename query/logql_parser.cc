// SPDX-License-Identifier: Apache-2.0
#include "query/logql_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/logql_parser_impl.h"

namespace cordwood::query {

namespace {

constexpr size_t kMaxQueryBytes = 131072;
/// Trees are walked by recursion, so both figures bound the stack.
constexpr int kMaxQueryDepth = 500;
constexpr size_t kMaxNodes = 4000;

constexpr std::string_view kNoUsableMatcher =
    "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
    "For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will";

bool has_usable_matcher(const std::vector<Matcher>& matchers) {
  return std::any_of(matchers.begin(), matchers.end(), [](const Matcher& m) { return !m.matches_empty(); });
}

/// The leftmost selector that matches every stream, if any, makes the query invalid.
bool selectors_usable(const Expr& expr) {
  return std::visit(
      [](const auto& node) {
        using T = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<T, LogQuery>) return has_usable_matcher(node.matchers);
        if constexpr (std::is_same_v<T, RangeAggregation>) return has_usable_matcher(node.range.query.matchers);
        if constexpr (std::is_same_v<T, VectorAggregation>) return selectors_usable(*node.inner);
        if constexpr (std::is_same_v<T, LabelReplace>) return selectors_usable(*node.inner);
        if constexpr (std::is_same_v<T, BinaryExpr>)
          return selectors_usable(*node.left) && selectors_usable(*node.right);
        return true;
      },
      expr.node);
}

Result<ExprPtr> parse_syntax(std::string_view text) {
  if (text.size() >= kMaxQueryBytes) {
    return semantic_error(fmt::format("input size too long ({} > {})", text.size(), kMaxQueryBytes));
  }
  return LogqlParser(text).parse_query();
}

}  // namespace

Error semantic_error(std::string_view message) {
  return Error::invalid(fmt::format("parse error : {}", message));
}

bool LogqlParser::accept(Token token) {
  if (this->token() != token) return false;
  take();
  return true;
}

Error LogqlParser::unexpected(std::initializer_list<Token> expected) const {
  const Lexeme& lexeme = peek();
  std::string message;
  if (lexeme.token == Token::error) {
    message = lexeme.text;
  } else {
    message = fmt::format("syntax error: unexpected {}", lexeme.name);
    std::vector<Token> sorted(expected);
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); ++i) {
      message += i == 0 ? ", expecting " : " or ";
      message += token_name(sorted[i]);
    }
  }
  if (lexeme.line == 0 && lexeme.column == 0) return semantic_error(message);
  return Error::invalid(fmt::format("parse error at line {}, col {}: {}", lexeme.line, lexeme.column, message));
}

Result<void> LogqlParser::expect(Token token) {
  if (!accept(token)) return unexpected({token});
  return {};
}

Result<std::string> LogqlParser::expect_text(Token token) {
  if (this->token() != token) return unexpected({token});
  return std::move(take().text);
}

void LogqlParser::defer(size_t start, std::string message) {
  // Of two that start at the same token the outer one is built later and wins.
  if (has_deferred_ && start > deferred_start_) return;
  has_deferred_ = true;
  deferred_start_ = start;
  deferred_ = std::move(message);
}

Result<void> LogqlParser::enter() {
  if (++depth_ > kMaxQueryDepth)
    return semantic_error(fmt::format("expression nested too deeply (limit: {})", kMaxQueryDepth));
  return {};
}

Result<void> LogqlParser::count_node() {
  if (++nodes_ > kMaxNodes) return semantic_error(fmt::format("expression has too many parts (limit: {})", kMaxNodes));
  return {};
}

Result<ExprPtr> LogqlParser::parse_query() {
  TRY_ASSIGN(ExprPtr expr, parse_expr(0));
  if (token() != Token::end) return unexpected();
  if (has_deferred_) return semantic_error(deferred_);
  return expr;
}

Result<ExprPtr> parse_logql(std::string_view text) {
  TRY_ASSIGN(ExprPtr expr, parse_syntax(text));
  if (!selectors_usable(*expr)) return semantic_error(kNoUsableMatcher);
  return expr;
}

Result<LogQuery> parse_log_selector(std::string_view text) {
  TRY_ASSIGN(ExprPtr expr, parse_syntax(text));
  const LogQuery* query = as_log_query(*expr);
  if (query == nullptr) return Error::invalid("only log selector is supported");
  return *query;
}

Result<std::vector<Matcher>> parse_selector(std::string_view text, SelectorRule rule) {
  TRY_ASSIGN(ExprPtr expr, parse_syntax(text));
  const LogQuery* query = as_log_query(*expr);
  if (query == nullptr || !query->stages.empty()) return Error::invalid("only label matchers are supported");
  if (rule == SelectorRule::needs_non_empty && !has_usable_matcher(query->matchers)) {
    return semantic_error(kNoUsableMatcher);
  }
  return query->matchers;
}

}  // namespace cordwood::query
