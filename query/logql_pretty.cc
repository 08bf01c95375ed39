// SPDX-License-Identifier: Apache-2.0
#include "query/logql_pretty.h"

#include <fmt/format.h>

#include "query/duration_text.h"
#include "query/logql_print.h"
#include "query/number_text.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

constexpr size_t kMaxLineBytes = 100;
constexpr int64_t kNsPerMillisecond = 1'000'000;

std::string indent(size_t level) {
  return std::string(2 * level, ' ');
}

std::string grouping_text(const std::optional<Grouping>& grouping) {
  if (!grouping) return "";
  std::string out = grouping->without ? " without (" : " by (";
  for (size_t i = 0; i < grouping->labels.size(); ++i) {
    if (i > 0) out += ", ";
    out += grouping->labels[i];
  }
  return out + ")";
}

std::string pretty(const Expr& expr, size_t level);

/// Counts parts, each of which is a byte at least, until there are too many for a line.
bool may_be_short(const Expr& expr, size_t* parts) {
  if (++*parts > kMaxLineBytes) return false;
  if (const auto* binary = std::get_if<BinaryExpr>(&expr.node)) {
    return may_be_short(*binary->right, parts) && may_be_short(*binary->left, parts);
  }
  if (const auto* vector = std::get_if<VectorAggregation>(&expr.node)) return may_be_short(*vector->inner, parts);
  if (const auto* replace = std::get_if<LabelReplace>(&expr.node)) return may_be_short(*replace->inner, parts);
  return true;
}

/// The text of what stands on one line; none when that is too long.
std::optional<std::string> short_text(const Expr& expr) {
  size_t parts = 0;
  if (!may_be_short(expr, &parts)) return std::nullopt;
  std::string line = to_string(expr);
  return line.size() <= kMaxLineBytes ? std::optional(std::move(line)) : std::nullopt;
}

/// `name(`, one argument a line, `)`.
std::string spread_call(std::string_view head, const std::vector<std::string>& arguments, size_t level) {
  std::string out = indent(level) + std::string(head) + "(\n";
  for (size_t i = 0; i < arguments.size(); ++i) {
    out += arguments[i];
    out += i + 1 < arguments.size() ? ",\n" : "\n";
  }
  return out + indent(level) + ")";
}

/// The stages of a query, each on a line.  Line filters that follow one another share a line while there is room, and
/// `decolorize` is not indented: so does Loki.
std::string pretty_stages(const std::vector<Stage>& stages, size_t level) {
  std::string out;
  size_t filters_bytes = 0;  // of the line filters before this stage that stand on one line
  for (const Stage& stage : stages) {
    const std::string text = to_string(stage);
    const bool is_filter = std::holds_alternative<LineFilterStage>(stage);
    if (is_filter && filters_bytes > 0 && filters_bytes + 1 + text.size() <= kMaxLineBytes) {
      out += " " + text;
      filters_bytes += 1 + text.size();
      continue;
    }
    out += "\n" + (std::holds_alternative<DecolorizeStage>(stage) ? "" : indent(level)) + text;
    // A chain that was broken once goes on with a line for each filter.
    const bool breaks = is_filter && filters_bytes > 0;
    filters_bytes = !is_filter ? 0 : breaks ? kMaxLineBytes : text.size();
  }
  return out;
}

std::string pretty_query(const LogQuery& query, size_t level) {
  const std::string line = to_string(query);
  if (line.size() <= kMaxLineBytes || query.stages.empty()) return indent(level) + line;
  return indent(level) + matchers_to_string(query.matchers) + pretty_stages(query.stages, level + 1);
}

/// Prometheus' form has neither signs nor parts of a millisecond.
std::string offset_text(int64_t offset_ns) {
  if (offset_ns < 0 || offset_ns % kNsPerMillisecond != 0) return format_go_duration(offset_ns);
  return format_prometheus_duration(offset_ns);
}

std::string pretty_range(const LogRange& range, size_t level) {
  std::string window = " [" + format_prometheus_duration(range.range_ns) + "]";
  if (range.offset_ns != 0) window += " offset " + offset_text(range.offset_ns);
  const bool first = ranges_first(range);
  std::string out = first ? indent(level) + matchers_to_string(range.query.matchers) + window +
                                pretty_stages(range.query.stages, level + 1)
                          : pretty_query(range.query, level);
  if (range.unwrap) {
    Unwrap bare = *range.unwrap;
    bare.filters.clear();
    out += "\n" + indent(level + 1) + to_string(bare);
    for (const LabelFilterPtr& filter : range.unwrap->filters) {
      out += "\n" + indent(level + 1) + "| " + to_string(*filter);
    }
  }
  return first ? out : out + window;
}

/// Lays a node out whose text is too long for one line.
struct Spread {
  size_t level;

  std::string operator()(const LogQuery& query) const { return pretty_query(query, level); }
  std::string operator()(const NumberExpr& number) const { return indent(level) + number_to_string(number.value); }
  std::string operator()(const VectorExpr& vector) const {
    return indent(level) + fmt::format("vector({:f})", vector.value);
  }
  std::string operator()(const RangeAggregation& aggregation) const {
    std::vector<std::string> arguments;
    if (aggregation.op == RangeOp::quantile) {
      arguments.push_back(indent(level + 1) + format_float_general(aggregation.parameter));
    }
    arguments.push_back(pretty_range(aggregation.range, level + 1));
    return spread_call(to_string(aggregation.op), arguments, level) + grouping_text(aggregation.grouping);
  }
  std::string operator()(const VectorAggregation& aggregation) const {
    std::vector<std::string> arguments;
    if (aggregation.parameter > 0) arguments.push_back(indent(level + 1) + fmt::format("{}", aggregation.parameter));
    arguments.push_back(pretty(*aggregation.inner, level + 1));
    const std::string grouping = is_default(aggregation.grouping) ? "" : grouping_text(aggregation.grouping);
    return spread_call(std::string(to_string(aggregation.op)) + grouping, arguments, level);
  }
  /// A chain of operators, which may be thousands, goes down its left side without recursion.
  std::string operator()(const BinaryExpr& binary) const {
    std::vector<const BinaryExpr*> chain{&binary};
    while (const BinaryExpr* left = spread_operator(*chain.back()->left)) {
      if (needs_parentheses(*left, *chain.back(), true)) break;
      chain.push_back(left);
    }
    std::string out = Spread{level + chain.size() - 1}.operand(*chain.back(), true);
    for (size_t i = chain.size(); i-- > 0;) {
      out += "\n" + indent(level + i) + modified_op_to_string(*chain[i], ", ") + "\n";
      out += Spread{level + i}.operand(*chain[i], false);
    }
    return out;
  }
  std::string operator()(const LabelReplace& replace) const {
    std::vector<std::string> arguments = {pretty(*replace.inner, level + 1)};
    for (const std::string& text : {replace.destination, replace.replacement, replace.source, replace.regex}) {
      arguments.push_back(indent(level + 1) + go_quoted(text));
    }
    return spread_call("label_replace", arguments, level);
  }

 private:
  /// The operator that has to be spread over lines, if it is one.
  static const BinaryExpr* spread_operator(const Expr& expr) {
    const auto* binary = std::get_if<BinaryExpr>(&expr.node);
    return binary != nullptr && !short_text(expr) ? binary : nullptr;
  }
  /// An operator spread over lines has no parentheses of its own; Loki leaves out those that matter, too.
  static bool needs_parentheses(const BinaryExpr& operand, const BinaryExpr& parent, bool is_left) {
    const int inner = precedence(operand.op), outer = precedence(parent.op);
    return inner < outer || (inner == outer && is_left == (parent.op == BinaryOp::pow));
  }
  std::string operand(const BinaryExpr& parent, bool is_left) const {
    const Expr& expr = is_left ? *parent.left : *parent.right;
    const BinaryExpr* binary = spread_operator(expr);
    if (binary == nullptr || !needs_parentheses(*binary, parent, is_left)) return pretty(expr, level + 1);
    return spread_call("", {pretty(expr, level + 2)}, level + 1);
  }
};

std::string pretty(const Expr& expr, size_t level) {
  if (const auto line = short_text(expr)) return indent(level) + *line;
  return std::visit(Spread{level}, expr.node);
}

}  // namespace

std::string pretty_print(const Expr& expr) {
  return pretty(expr, 0);
}

}  // namespace cordwood::query
