// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/model/matcher.h"

/// The tree of a LogQL query, as parse_logql() builds it.  Plain values; shared parts are immutable, so a tree may be
/// read from many threads.  Every semantic rule that needs only the text has been checked: a consumer may rely on
/// what the comments here promise.
namespace cordwood::query {

// ---- line filters -------------------------------------------------------------------------------------------------

enum class LineOp : unsigned char { contains, not_contains, regex, not_regex, pattern, not_pattern };
constexpr bool is_negative(LineOp op) {
  return op == LineOp::not_contains || op == LineOp::not_regex || op == LineOp::not_pattern;
}

struct LineOperand {
  bool ip = false;   ///< `ip("text")`; only with contains and not_contains
  std::string text;  ///< decoded
};
/// `|= "a" or "b" or ip("c")`.  A negative op means none of the operands may match.
struct LineFilterStage {
  LineOp op = LineOp::contains;
  std::vector<LineOperand> operands;  ///< at least one
};

// ---- parsers ------------------------------------------------------------------------------------------------------

/// `name="expression"`; a bare `name` has an equal expression.
struct ExtractionExpr {
  std::string name;
  std::string expression;
};
struct JsonStage {
  std::vector<ExtractionExpr> expressions;  ///< empty: extract everything
};
struct LogfmtStage {
  bool strict = false;
  bool keep_empty = false;
  std::vector<ExtractionExpr> expressions;  ///< empty: extract everything
};
struct RegexpStage {
  std::string expression;
};  ///< compiles, has a named group, names are unique
struct PatternStage {
  std::string expression;
};  ///< valid, has a named capture
struct UnpackStage {};

// ---- label filters ------------------------------------------------------------------------------------------------

enum class CompareOp : unsigned char { equal, not_equal, greater, greater_equal, less, less_equal };

struct LabelFilter;
using LabelFilterPtr = std::shared_ptr<const LabelFilter>;

struct StringLabelFilter {
  Matcher matcher;
};  ///< keep name, op and value; the regex of a filter is not a matcher's
struct NumberLabelFilter {
  std::string name;
  CompareOp op = CompareOp::equal;
  double value = 0;
};
struct DurationLabelFilter {
  std::string name;
  CompareOp op = CompareOp::equal;
  int64_t value_ns = 0;
};
struct BytesLabelFilter {
  std::string name;
  CompareOp op = CompareOp::equal;
  uint64_t value_bytes = 0;
};
struct IpLabelFilter {
  std::string name;
  bool negated = false;
  std::string pattern;
};
/// `and`, a comma and juxtaposition all make an AndLabelFilter.
struct AndLabelFilter {
  LabelFilterPtr left, right;
};
struct OrLabelFilter {
  LabelFilterPtr left, right;
};

struct LabelFilter {
  std::variant<StringLabelFilter, NumberLabelFilter, DurationLabelFilter, BytesLabelFilter, IpLabelFilter,
               AndLabelFilter, OrLabelFilter>
      node;
};
struct LabelFilterStage {
  LabelFilterPtr filter;
};

// ---- other stages -------------------------------------------------------------------------------------------------

struct LineFormatStage {
  std::string text;
};  ///< the template's text, not yet parsed
struct LabelFormat {
  std::string name;
  std::string value;  ///< the source label when `rename`, else the template's text
  bool rename = false;
};
struct LabelFormatStage {
  std::vector<LabelFormat> formats;
};
struct DecolorizeStage {};
/// One item of drop or keep: every such label, or only when its value matches.
struct NamedLabel {
  std::string name;
  std::optional<Matcher> matcher;
};
struct DropStage {
  std::vector<NamedLabel> labels;
};
struct KeepStage {
  std::vector<NamedLabel> labels;
};

using Stage = std::variant<LineFilterStage, JsonStage, LogfmtStage, RegexpStage, PatternStage, UnpackStage,
                           LabelFilterStage, LineFormatStage, LabelFormatStage, DecolorizeStage, DropStage, KeepStage>;

/// Whether a stage makes labels of the line.
inline bool is_parser(const Stage& stage) {
  return std::holds_alternative<JsonStage>(stage) || std::holds_alternative<LogfmtStage>(stage) ||
         std::holds_alternative<RegexpStage>(stage) || std::holds_alternative<PatternStage>(stage) ||
         std::holds_alternative<UnpackStage>(stage);
}

/// A selector and its pipeline, stages in the order of the text.
struct LogQuery {
  std::vector<Matcher> matchers;
  std::vector<Stage> stages;
};

// ---- metric queries -----------------------------------------------------------------------------------------------

enum class UnwrapConversion : unsigned char { none, bytes, duration, duration_seconds };
struct Unwrap {
  std::string name;
  UnwrapConversion conversion = UnwrapConversion::none;
  std::vector<LabelFilterPtr> filters;  ///< applied after the conversion
};
struct LogRange {
  LogQuery query;
  std::optional<Unwrap> unwrap;
  int64_t range_ns = 0;
  int64_t offset_ns = 0;  ///< may be negative
};

struct Grouping {
  bool without = false;
  std::vector<std::string> labels;  ///< in the order of the text; may be empty (`by ()`)
};

enum class RangeOp : unsigned char {
  count,
  rate,
  rate_counter,
  bytes,
  bytes_rate,
  avg,
  sum,
  min,
  max,
  stdvar,
  stddev,
  quantile,
  first,
  last,
  absent
};
enum class VectorOp : unsigned char {
  sum,
  avg,
  max,
  min,
  count,
  stddev,
  stdvar,
  bottomk,
  topk,
  approx_topk,
  sort,
  sort_desc
};
enum class BinaryOp : unsigned char {
  set_or,
  set_and,
  set_unless,
  equal,
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
constexpr bool is_set_op(BinaryOp op) {
  return op <= BinaryOp::set_unless;
}
constexpr bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::equal && op <= BinaryOp::greater_equal;
}
/// The higher, the closer it binds.  Of one precedence the left one comes first, except for pow.
constexpr int precedence(BinaryOp op) {
  switch (op) {
    case BinaryOp::set_or: return 1;
    case BinaryOp::set_and:
    case BinaryOp::set_unless: return 2;
    case BinaryOp::add:
    case BinaryOp::sub: return 4;
    case BinaryOp::mul:
    case BinaryOp::div:
    case BinaryOp::mod: return 5;
    case BinaryOp::pow: return 6;
    default: return 3;
  }
}

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct NumberExpr {
  double value = 0;
};
struct VectorExpr {
  double value = 0;
};  ///< `vector(1)`
struct RangeAggregation {
  RangeOp op = RangeOp::count;
  LogRange range;
  double parameter = 0;  ///< of quantile
  std::optional<Grouping> grouping;
};
struct VectorAggregation {
  VectorOp op = VectorOp::sum;
  ExprPtr inner;
  int64_t parameter = 0;  ///< k of topk, bottomk, approx_topk (>= 1); else 0
  std::optional<Grouping> grouping;
};
enum class Cardinality : unsigned char { one_to_one, many_to_one, one_to_many };
struct BinaryExpr {
  BinaryOp op = BinaryOp::add;
  ExprPtr left, right;
  bool return_bool = false;
  bool on = false;  ///< on(matching), else ignoring(matching)
  std::vector<std::string> matching;
  Cardinality cardinality = Cardinality::one_to_one;  ///< group_left = many_to_one, group_right = one_to_many
  std::vector<std::string> include;                   ///< labels named by group_left / group_right
};
struct LabelReplace {
  ExprPtr inner;
  std::string destination, replacement, source, regex;
};

struct Expr {
  std::variant<LogQuery, NumberExpr, VectorExpr, RangeAggregation, VectorAggregation, BinaryExpr, LabelReplace> node;
};

inline const LogQuery* as_log_query(const Expr& expr) {
  return std::get_if<LogQuery>(&expr.node);
}

}  // namespace cordwood::query
