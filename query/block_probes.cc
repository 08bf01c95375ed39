// SPDX-License-Identifier: Apache-2.0
#include "query/block_probes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "query/pipeline.h"
#include "query/regex_simplify.h"
#include "query/template.h"

namespace cordwood::query {

namespace {

using Alternative = BlockProbes::Alternative;
using Clause = BlockProbes::Clause;

/// Clauses that a query may have at most; further ones would cost more than they rule out.
constexpr size_t kMaxClauses = 16;
constexpr size_t kMaxAlternatives = 32;

/// Walks the stages in the order they run and keeps what is known of the line and of labels on the way.
class ClauseFinder {
 public:
  void operator()(const LineFilterStage& stage) {
    if (!line_is_stored_ || (stage.op != LineOp::contains && stage.op != LineOp::regex)) return;
    Clause clause;
    for (const LineOperand& operand : stage.operands) {
      if (operand.ip) return;
      if (operand.text.empty()) continue;  // beside others it does not count
      if (stage.op == LineOp::contains) {
        clause.push_back({TextProbe::substring(operand.text), {}});
      } else if (!add_words(operand.text, &clause)) {
        return;
      }
    }
    add(std::move(clause));
  }
  void operator()(const JsonStage& stage) { parse(stage.expressions.empty()); }
  void operator()(const LogfmtStage&) { parse(true); }
  void operator()(const UnpackStage&) {
    parse(true);
    line_is_stored_ = false;
  }
  void operator()(const RegexpStage&) {
    parse(true);
    cuts_values_ = true;
  }
  void operator()(const PatternStage&) {
    parse(true);
    cuts_values_ = true;
  }
  void operator()(const LabelFilterStage& stage) {
    for (Clause& clause : clauses_of(*stage.filter)) add(std::move(clause));
  }
  void operator()(const LineFormatStage&) { line_is_stored_ = false; }
  void operator()(const DecolorizeStage&) { line_is_stored_ = false; }
  void operator()(const LabelFormatStage& stage) {
    for (const LabelFormat& format : stage.formats) {
      written_.insert(format.name);
      told_by_line_.erase(format.name);
      if (format.rename || !line_is_stored_) continue;
      auto made = Template::parse("label", format.value);
      if (!made.ok()) continue;
      if (const std::string* needle = made->line_contains()) told_by_line_[format.name] = *needle;
    }
  }
  void operator()(const DropStage&) {}
  void operator()(const KeepStage&) {}

  std::vector<Clause> take() { return std::move(clauses_); }

 private:
  /// A parser: its labels come from the stored text, whole, or they tell nothing.
  void parse(bool whole_values) { labels_tell_ = labels_tell_ && line_is_stored_ && whole_values; }

  void add(Clause clause) {
    const bool useful = !clause.empty() && clause.size() <= kMaxAlternatives &&
                        std::all_of(clause.begin(), clause.end(), [](const auto& a) { return a.probe.useful(); });
    if (useful && clauses_.size() < kMaxClauses) clauses_.push_back(std::move(clause));
  }

  /// The words of which one must be there; false when the expression asks for more or less than that.
  static bool add_words(const std::string& expression, Clause* clause) {
    const auto regex = SimpleRegex::make(expression, RegexPlace::line);
    if (!regex.ok() || regex->required_words().empty()) return false;
    for (const std::string& word : regex->required_words()) clause->push_back({TextProbe::substring(word), {}});
    return true;
  }

  std::vector<Clause> clauses_of(const LabelFilter& filter) const {
    if (const auto* both = std::get_if<AndLabelFilter>(&filter.node)) {
      std::vector<Clause> out = clauses_of(*both->left);
      for (Clause& clause : clauses_of(*both->right)) out.push_back(std::move(clause));
      return out;
    }
    if (const auto* either = std::get_if<OrLabelFilter>(&filter.node)) {
      std::vector<Clause> out;
      const auto right = clauses_of(*either->right);
      for (const Clause& a : clauses_of(*either->left)) {
        for (const Clause& b : right) {
          if (out.size() == kMaxClauses) return out;
          out.push_back(a);
          out.back().insert(out.back().end(), b.begin(), b.end());
        }
      }
      return out;
    }
    if (const auto* text = std::get_if<StringLabelFilter>(&filter.node)) return equality(text->matcher);
    return {};
  }

  std::vector<Clause> equality(const Matcher& matcher) const {
    if (matcher.op() != MatchOp::equal || matcher.value().empty()) return {};
    if (const auto told = told_by_line_.find(matcher.name()); told != told_by_line_.end()) {
      if (matcher.value() != "true") return {};
      return {{{TextProbe::substring(told->second), {}}}};
    }
    // Labels that begin so are made by the query itself.
    if (!labels_tell_ || written_.contains(matcher.name()) || matcher.name().starts_with("__")) return {};
    Clause clause{{TextProbe::value(matcher.value()), matcher.name()}};
    if (cuts_values_) clause.push_back({TextProbe::substring(matcher.value()), matcher.name()});
    return {std::move(clause)};
  }

  std::vector<Clause> clauses_;
  std::set<std::string, std::less<>> written_;                    ///< by label_format
  std::map<std::string, std::string, std::less<>> told_by_line_;  ///< label: "true" if the line holds this
  bool line_is_stored_ = true;
  bool labels_tell_ = true;
  bool cuts_values_ = false;  ///< a parser takes values out of the middle of words
};

bool any_stream_has(const BlockSource& block, const std::string& label) {
  const auto& streams = block.info().streams;
  return std::any_of(streams.begin(), streams.end(),
                     [&](const BlockStream& part) { return !part.stream->labels.get(label).empty(); });
}

}  // namespace

BlockProbes BlockProbes::of(std::span<const Stage> stages) {
  ClauseFinder finder;
  for (const Stage& stage : reorder_stages(stages)) std::visit(finder, stage);
  BlockProbes probes;
  probes.clauses_ = finder.take();
  return probes;
}

Result<bool> BlockProbes::may_pass(const BlockSource& block, ReadStats* stats) const {
  for (const Clause& clause : clauses_) {
    bool holds = false;
    for (const Alternative& alternative : clause) {
      if (!alternative.label.empty() && any_stream_has(block, alternative.label)) {
        holds = true;
      } else {
        TRY_ASSIGN(holds, block.may_hold(alternative.probe, stats));
      }
      if (holds) break;
    }
    if (!holds) return false;
  }
  return true;
}

}  // namespace cordwood::query
