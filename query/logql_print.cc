// SPDX-License-Identifier: Apache-2.0
#include "query/logql_print.h"

#include <fmt/format.h>

#include <cmath>

#include "query/bytes_text.h"
#include "query/duration_text.h"
#include "query/number_text.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string extractions(const std::vector<ExtractionExpr>& expressions) {
  std::string out;
  for (size_t i = 0; i < expressions.size(); ++i) {
    out += i == 0 ? " " : ",";
    out += expressions[i].name + "=" + go_quoted(expressions[i].expression);
  }
  return out;
}

std::string named_labels(const std::vector<NamedLabel>& labels) {
  std::string out;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ",";
    out += labels[i].matcher ? labels[i].matcher->to_string() : labels[i].name;
  }
  return out;
}

std::string compact_bytes(uint64_t bytes) {
  constexpr uint64_t kPetabyte = 1'000'000'000'000'000;
  if (bytes == 0) return "0kB";                                                 // `0B` begins a binary number
  if (bytes >= 999 * kPetabyte) return fmt::format("{}PB", bytes / kPetabyte);  // and `1E` an exponent
  std::string out = format_bytes(bytes);
  std::erase(out, ' ');
  return out;
}

/// `-0` reads as a duration.
constexpr char kMinusZero[] = "-0.0";

struct StagePrinter {
  std::string operator()(const LineFilterStage& stage) const {
    std::string out(to_string(stage.op));
    for (size_t i = 0; i < stage.operands.size(); ++i) {
      out += i == 0 ? " " : " or ";
      out += stage.operands[i].ip ? "ip(" + go_quoted(stage.operands[i].text) + ")" : go_quoted(stage.operands[i].text);
    }
    return out;
  }
  std::string operator()(const JsonStage& stage) const { return "| json" + extractions(stage.expressions); }
  std::string operator()(const LogfmtStage& stage) const {
    std::string out = "| logfmt";
    if (stage.strict) out += " --strict";
    if (stage.keep_empty) out += " --keep-empty";
    return out + extractions(stage.expressions);
  }
  std::string operator()(const RegexpStage& stage) const { return "| regexp " + go_quoted(stage.expression); }
  std::string operator()(const PatternStage& stage) const { return "| pattern " + go_quoted(stage.expression); }
  std::string operator()(const UnpackStage&) const { return "| unpack"; }
  std::string operator()(const LabelFilterStage& stage) const { return "| " + to_string(*stage.filter); }
  std::string operator()(const LineFormatStage& stage) const { return "| line_format " + go_quoted(stage.text); }
  std::string operator()(const LabelFormatStage& stage) const {
    std::string out = "| label_format ";
    for (size_t i = 0; i < stage.formats.size(); ++i) {
      const LabelFormat& format = stage.formats[i];
      if (i > 0) out += ",";
      out += format.name + "=" + (format.rename ? format.value : go_quoted(format.value));
    }
    return out;
  }
  std::string operator()(const DecolorizeStage&) const { return "| decolorize"; }
  std::string operator()(const DropStage& stage) const { return "| drop " + named_labels(stage.labels); }
  std::string operator()(const KeepStage& stage) const { return "| keep " + named_labels(stage.labels); }
};

struct FilterPrinter {
  std::string operator()(const StringLabelFilter& f) const { return f.matcher.to_string(); }
  std::string operator()(const NumberLabelFilter& f) const {
    const bool minus_zero = f.value == 0 && std::signbit(f.value);
    return fmt::format("{}{}{}", f.name, to_string(f.op), minus_zero ? kMinusZero : format_float(f.value));
  }
  std::string operator()(const DurationLabelFilter& f) const {
    return fmt::format("{}{}{}", f.name, to_string(f.op), format_go_duration(f.value_ns));
  }
  std::string operator()(const BytesLabelFilter& f) const {
    return fmt::format("{}{}{}", f.name, to_string(f.op), compact_bytes(f.value_bytes));
  }
  std::string operator()(const IpLabelFilter& f) const {
    return fmt::format("{}{}ip({})", f.name, f.negated ? "!=" : "=", go_quoted(f.pattern));
  }
  std::string operator()(const AndLabelFilter& f) const {
    return fmt::format("( {} , {} )", to_string(*f.left), to_string(*f.right));
  }
  std::string operator()(const OrLabelFilter& f) const {
    return fmt::format("( {} or {} )", to_string(*f.left), to_string(*f.right));
  }
};

struct ExprPrinter {
  std::string operator()(const LogQuery& query) const { return to_string(query); }
  std::string operator()(const NumberExpr& number) const { return number_to_string(number.value); }
  std::string operator()(const VectorExpr& vector) const { return fmt::format("vector({:f})", vector.value); }
  std::string operator()(const RangeAggregation& aggregation) const {
    std::string out(to_string(aggregation.op));
    out += "(";
    if (aggregation.op == RangeOp::quantile) out += format_float(aggregation.parameter) + ",";
    return out + to_string(aggregation.range) + ")" + to_string(aggregation.grouping);
  }
  std::string operator()(const VectorAggregation& aggregation) const {
    std::string out(to_string(aggregation.op));
    if (!is_default(aggregation.grouping)) out += to_string(aggregation.grouping);
    out += "(";
    if (aggregation.parameter > 0) out += fmt::format("{},", aggregation.parameter);
    return out + to_string(*aggregation.inner) + ")";
  }
  std::string operator()(const BinaryExpr& binary) const {
    return fmt::format("({} {} {})", to_string(*binary.left), modified_op_to_string(binary, ","),
                       to_string(*binary.right));
  }
  std::string operator()(const LabelReplace& replace) const {
    return fmt::format("label_replace({},{},{},{},{})", to_string(*replace.inner), go_quoted(replace.destination),
                       go_quoted(replace.replacement), go_quoted(replace.source), go_quoted(replace.regex));
  }
};

}  // namespace

std::string modified_op_to_string(const BinaryExpr& binary, std::string_view separator) {
  std::string out(to_string(binary.op));
  if (binary.return_bool) out += " bool";
  std::string group;
  if (binary.cardinality != Cardinality::one_to_one) {
    group = binary.cardinality == Cardinality::many_to_one ? "group_left" : "group_right";
    if (!binary.include.empty()) group += fmt::format(" ({})", joined(binary.include, separator));
  }
  // The space before the group stays when there is none, as in Loki's text.  A group needs something to stand behind.
  if (binary.on || !binary.matching.empty() || !group.empty()) {
    out += fmt::format(" {} ({}) {}", binary.on ? "on" : "ignoring", joined(binary.matching, separator), group);
  }
  return out;
}

std::string number_to_string(double value) {
  if (std::isnan(value)) return "(0 / 0)";
  if (std::isinf(value)) return value > 0 ? "(1e+308 * 10)" : "(-1e+308 * 10)";
  if (value == 0 && std::signbit(value)) return kMinusZero;
  return format_float_general(value);
}

bool is_default(const std::optional<Grouping>& grouping) {
  return !grouping || (!grouping->without && grouping->labels.empty());
}

std::string to_string(const Expr& expr) {
  return std::visit(ExprPrinter{}, expr.node);
}

std::string matchers_to_string(const std::vector<Matcher>& matchers) {
  std::string out = "{";
  for (size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out += ", ";
    out += matchers[i].to_string();
  }
  return out + "}";
}

std::string to_string(const LogQuery& query) {
  std::string out = matchers_to_string(query.matchers);
  for (const Stage& stage : query.stages) out += " " + to_string(stage);
  return out;
}

std::string to_string(const Unwrap& unwrap) {
  std::string out = "| unwrap ";
  switch (unwrap.conversion) {
    case UnwrapConversion::none: out += unwrap.name; break;
    case UnwrapConversion::bytes: out += "bytes(" + unwrap.name + ")"; break;
    case UnwrapConversion::duration: out += "duration(" + unwrap.name + ")"; break;
    case UnwrapConversion::duration_seconds: out += "duration_seconds(" + unwrap.name + ")"; break;
  }
  for (const LabelFilterPtr& filter : unwrap.filters) out += " | " + to_string(*filter);
  return out;
}

std::string range_to_string(const LogRange& range) {
  std::string out = "[" + format_prometheus_duration(range.range_ns) + "]";
  if (range.offset_ns != 0) out += " offset " + format_go_duration(range.offset_ns);
  return out;
}

bool ranges_first(const LogRange& range) {
  return range.unwrap && !range.query.stages.empty() && range.offset_ns != 0;
}

std::string to_string(const LogRange& range) {
  const bool first = ranges_first(range);
  std::string out = matchers_to_string(range.query.matchers);
  if (first) out += range_to_string(range);
  for (const Stage& stage : range.query.stages) out += " " + to_string(stage);
  if (range.unwrap) out += " " + to_string(*range.unwrap);
  return first ? out : out + range_to_string(range);
}

std::string to_string(const Stage& stage) {
  return std::visit(StagePrinter{}, stage);
}
std::string to_string(const LabelFilter& filter) {
  return std::visit(FilterPrinter{}, filter.node);
}

std::string to_string(const std::optional<Grouping>& grouping) {
  if (!grouping) return "";
  return fmt::format(" {} ({})", grouping->without ? "without" : "by", joined(grouping->labels, ","));
}

std::string_view to_string(LineOp op) {
  switch (op) {
    case LineOp::contains: return "|=";
    case LineOp::not_contains: return "!=";
    case LineOp::regex: return "|~";
    case LineOp::not_regex: return "!~";
    case LineOp::pattern: return "|>";
    case LineOp::not_pattern: return "!>";
  }
  return "?";
}

std::string_view to_string(CompareOp op) {
  switch (op) {
    case CompareOp::equal: return "==";
    case CompareOp::not_equal: return "!=";
    case CompareOp::greater: return ">";
    case CompareOp::greater_equal: return ">=";
    case CompareOp::less: return "<";
    case CompareOp::less_equal: return "<=";
  }
  return "?";
}

std::string_view to_string(RangeOp op) {
  switch (op) {
    case RangeOp::count: return "count_over_time";
    case RangeOp::rate: return "rate";
    case RangeOp::rate_counter: return "rate_counter";
    case RangeOp::bytes: return "bytes_over_time";
    case RangeOp::bytes_rate: return "bytes_rate";
    case RangeOp::avg: return "avg_over_time";
    case RangeOp::sum: return "sum_over_time";
    case RangeOp::min: return "min_over_time";
    case RangeOp::max: return "max_over_time";
    case RangeOp::stdvar: return "stdvar_over_time";
    case RangeOp::stddev: return "stddev_over_time";
    case RangeOp::quantile: return "quantile_over_time";
    case RangeOp::first: return "first_over_time";
    case RangeOp::last: return "last_over_time";
    case RangeOp::absent: return "absent_over_time";
  }
  return "?";
}

std::string_view to_string(VectorOp op) {
  switch (op) {
    case VectorOp::sum: return "sum";
    case VectorOp::avg: return "avg";
    case VectorOp::max: return "max";
    case VectorOp::min: return "min";
    case VectorOp::count: return "count";
    case VectorOp::stddev: return "stddev";
    case VectorOp::stdvar: return "stdvar";
    case VectorOp::bottomk: return "bottomk";
    case VectorOp::topk: return "topk";
    case VectorOp::approx_topk: return "approx_topk";
    case VectorOp::sort: return "sort";
    case VectorOp::sort_desc: return "sort_desc";
  }
  return "?";
}

std::string_view to_string(BinaryOp op) {
  switch (op) {
    case BinaryOp::set_or: return "or";
    case BinaryOp::set_and: return "and";
    case BinaryOp::set_unless: return "unless";
    case BinaryOp::equal: return "==";
    case BinaryOp::not_equal: return "!=";
    case BinaryOp::less: return "<";
    case BinaryOp::less_equal: return "<=";
    case BinaryOp::greater: return ">";
    case BinaryOp::greater_equal: return ">=";
    case BinaryOp::add: return "+";
    case BinaryOp::sub: return "-";
    case BinaryOp::mul: return "*";
    case BinaryOp::div: return "/";
    case BinaryOp::mod: return "%";
    case BinaryOp::pow: return "^";
  }
  return "?";
}

}  // namespace cordwood::query
