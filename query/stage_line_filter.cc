// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <variant>

#include "query/extract_pattern.h"
#include "query/ip_matcher.h"
#include "query/regex_simplify.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

struct Needle {
  std::string text;
};
using Operand = std::variant<Needle, SimpleRegex, LinePattern, IpMatcher>;

bool takes_everything(const Operand& operand) {
  if (const auto* needle = std::get_if<Needle>(&operand)) return needle->text.empty();
  if (const auto* regex = std::get_if<SimpleRegex>(&operand)) return regex->match_all();
  return false;
}

bool matches(const Operand& operand, std::string_view line) {
  switch (operand.index()) {
    case 0: {
      const std::string& needle = std::get_if<Needle>(&operand)->text;
      return needle.empty() || (needle.size() <= line.size() &&
                                memmem(line.data(), line.size(), needle.data(), needle.size()) != nullptr);
    }
    case 1: return std::get_if<SimpleRegex>(&operand)->matches(line);
    case 2: return std::get_if<LinePattern>(&operand)->matches(line);
    default: return std::get_if<IpMatcher>(&operand)->found_in(line);
  }
}

/// Positive: one operand must match, and operands that take everything do not count beside others.  Negative: none
/// may match.
class LineFilter final : public RowStage {
 public:
  LineFilter(std::vector<Operand> operands, bool negative) : operands_(std::move(operands)), negative_(negative) {
    if (negative_) {
      const bool nothing = std::any_of(operands_.begin(), operands_.end(), takes_everything);
      if (nothing) fixed_ = false;
    } else {
      std::erase_if(operands_, takes_everything);
      if (operands_.empty()) fixed_ = true;
    }
  }
  bool process(PipelineRow& row) override {
    if (fixed_) return *fixed_;
    const std::string_view line = row.line();
    const bool found =
        std::any_of(operands_.begin(), operands_.end(), [&](const Operand& operand) { return matches(operand, line); });
    return found != negative_;
  }

 private:
  std::vector<Operand> operands_;
  bool negative_;
  std::optional<bool> fixed_;  ///< the answer for every line
};

Result<Operand> make_operand(LineOp op, const LineOperand& operand) {
  if (operand.ip) {
    if (op != LineOp::contains && op != LineOp::not_contains) return Error::invalid("ip: invalid operation");
    TRY_ASSIGN(const IpMatcher matcher, IpMatcher::make(operand.text));
    return Operand(matcher);
  }
  if (op == LineOp::contains || op == LineOp::not_contains) return Operand(Needle{operand.text});
  if (op == LineOp::pattern || op == LineOp::not_pattern) {
    TRY_ASSIGN(LinePattern pattern, LinePattern::make(operand.text));
    return Operand(std::move(pattern));
  }
  TRY_ASSIGN(SimpleRegex regex, SimpleRegex::make(operand.text, RegexPlace::line));
  return Operand(std::move(regex));
}

}  // namespace

Result<RowStagePtr> make_line_filter_stage(const LineFilterStage& stage) {
  std::vector<Operand> operands;
  for (const LineOperand& operand : stage.operands) {
    TRY_ASSIGN(Operand made, make_operand(stage.op, operand));
    operands.push_back(std::move(made));
  }
  return RowStagePtr(std::make_unique<LineFilter>(std::move(operands), is_negative(stage.op)));
}

}  // namespace cordwood::query
