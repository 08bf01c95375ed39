// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/filters.h"

#include <algorithm>
#include <cstdlib>

#include "tests/query/reference/units.h"

namespace cordwood::query::reference {

namespace {

bool is_word(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool matches_everything(LineOp op, const std::string& text) {
  return text.empty() || ((op == LineOp::regex || op == LineOp::not_regex) && text == ".*");
}

/// `word.*` and `pre1|pre2` count as "contains" (trap 10).
bool regex_label_matches(const std::string& expression, const std::string& value, Regexes* regexes) {
  if (expression.ends_with(".*") && is_word(expression.substr(0, expression.size() - 2))) {
    return contains(value, expression.substr(0, expression.size() - 2));
  }
  if (const size_t bar = expression.find('|'); bar != std::string::npos) {
    const std::string left = expression.substr(0, bar), right = expression.substr(bar + 1);
    if (is_word(left) && is_word(right) && left[0] == right[0]) return contains(value, left) || contains(value, right);
  }
  if (expression.empty() || expression == ".*") return true;
  if (expression == ".+") return !value.empty();
  return regexes->whole(expression, value);
}

bool compare(CompareOp op, double left, double right) {
  switch (op) {
    case CompareOp::equal: return left == right;
    case CompareOp::not_equal: return left != right;
    case CompareOp::greater: return left > right;
    case CompareOp::greater_equal: return left >= right;
    case CompareOp::less: return left < right;
    case CompareOp::less_equal: return left <= right;
  }
  return false;
}

class LabelFilterRun {
 public:
  LabelFilterRun(Row* row, Regexes* regexes) : row_(row), regexes_(regexes) {}

  bool operator()(const StringLabelFilter& filter) const {
    const std::string& name = filter.matcher.name();
    if (name == "__error__") return label_matches(filter.matcher, row_->error, regexes_);
    return label_matches(filter.matcher, row_->get(name).value_or(""), regexes_);
  }
  bool operator()(const NumberLabelFilter& filter) const {
    return compares(filter.name, filter.op, filter.value, read_number);
  }
  bool operator()(const DurationLabelFilter& filter) const {
    return compares(filter.name, filter.op, static_cast<double>(filter.value_ns), read_duration);
  }
  bool operator()(const BytesLabelFilter& filter) const {
    return compares(filter.name, filter.op, static_cast<double>(filter.value_bytes), read_bytes);
  }
  bool operator()(const AndLabelFilter& filter) const {
    const bool left = std::visit(*this, filter.left->node);
    const bool right = std::visit(*this, filter.right->node);
    return left && right;
  }
  bool operator()(const OrLabelFilter& filter) const {
    return std::visit(*this, filter.left->node) || std::visit(*this, filter.right->node);
  }
  template <typename Other>
  bool operator()(const Other&) const {
    std::abort();  // not among the queries that are made
  }

 private:
  bool compares(const std::string& name, CompareOp op, double want, Reading (*read)(const std::string&)) const {
    const auto text = row_->get(name);
    if (!text) return false;
    const Reading value = read(*text);
    if (const double* number = std::get_if<double>(&value)) return compare(op, *number, want);
    if (!row_->error.empty()) return true;  // the first error stays
    row_->error = "LabelFilterErr";
    row_->details = std::get<std::string>(value);
    return true;
  }

  Row* row_;
  Regexes* regexes_;
};

}  // namespace

const RE2& Regexes::get(const std::string& expression) {
  std::unique_ptr<RE2>& compiled = compiled_[expression];
  if (compiled == nullptr) compiled = std::make_unique<RE2>(expression, RE2::Quiet);
  return *compiled;
}

bool matches(const Matcher& matcher, const std::string& value, Regexes* regexes) {
  switch (matcher.op()) {
    case MatchOp::equal: return value == matcher.value();
    case MatchOp::not_equal: return value != matcher.value();
    case MatchOp::regex: return regexes->whole("(?s:" + matcher.value() + ")", value);
    case MatchOp::not_regex: return !regexes->whole("(?s:" + matcher.value() + ")", value);
  }
  return false;
}

bool selected(const std::vector<Matcher>& matchers, const LabelMap& stream, Regexes* regexes) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
    const auto at = stream.find(matcher.name());
    return matches(matcher, at == stream.end() ? "" : at->second, regexes);
  });
}

bool label_matches(const Matcher& matcher, const std::string& value, Regexes* regexes) {
  switch (matcher.op()) {
    case MatchOp::equal: return value == matcher.value();
    case MatchOp::not_equal: return value != matcher.value();
    case MatchOp::regex: return regex_label_matches(matcher.value(), value, regexes);
    case MatchOp::not_regex: return !regex_label_matches(matcher.value(), value, regexes);
  }
  return false;
}

bool passes(const LineFilterStage& stage, const std::string& line, Regexes* regexes) {
  bool asked = false, found = false;
  for (const LineOperand& operand : stage.operands) {
    const bool everything = matches_everything(stage.op, operand.text);
    if (everything && !is_negative(stage.op)) continue;
    asked = true;
    const bool plain = stage.op == LineOp::contains || stage.op == LineOp::not_contains;
    found |= everything || (plain ? contains(line, operand.text) : regexes->found(operand.text, line));
  }
  return !asked || found != is_negative(stage.op);
}

bool passes(const LabelFilter& filter, Row* row, Regexes* regexes) {
  return std::visit(LabelFilterRun(row, regexes), filter.node);
}

}  // namespace cordwood::query::reference
