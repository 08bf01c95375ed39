// SPDX-License-Identifier: Apache-2.0
#include "query/block_probes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "query/field_probe.h"
#include "query/pipeline.h"
#include "query/regex_simplify.h"
#include "query/template.h"

namespace cordwood::query {

namespace {

using Alternative = BlockProbes::Alternative;
using Clause = BlockProbes::Clause;

/// Clauses that a query may have at most; further ones would cost more than they rule out.
constexpr size_t kMaxClauses = 16;
/// And alternatives of a clause.  Segments are asked at once for no more of all clauses together; for further ones
/// block by block.
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
        clause.push_back({TextProbe::substring(operand.text), {}, nullptr});
      } else if (!add_words(operand.text, &clause)) {
        return;
      }
    }
    add(std::move(clause));
  }
  void operator()(const JsonStage& stage) {
    parse(stage.expressions.empty());
    json_ = true;
  }
  void operator()(const LogfmtStage& stage) {
    parse(true);
    logfmt_ = true;
    // Empty values are no cells.
    fields_tell_ = fields_tell_ && stage.expressions.empty() && !stage.keep_empty;
  }
  void operator()(const UnpackStage&) {
    parse(true);
    fields_tell_ = false;
    line_is_stored_ = false;
  }
  void operator()(const RegexpStage&) {
    parse(true);
    fields_tell_ = false;
    cuts_values_ = true;
  }
  void operator()(const PatternStage&) {
    parse(true);
    fields_tell_ = false;
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
    const bool useful =
        !clause.empty() && clause.size() <= kMaxAlternatives &&
        std::all_of(clause.begin(), clause.end(), [](const auto& a) { return a.probe.useful() || a.field != nullptr; });
    if (useful && clauses_.size() < kMaxClauses) clauses_.push_back(std::move(clause));
  }

  /// The words of which one must be there; false when the expression asks for more or less than that.
  static bool add_words(const std::string& expression, Clause* clause) {
    const auto regex = SimpleRegex::make(expression, RegexPlace::line);
    if (!regex.ok() || regex->required_words().empty()) return false;
    for (const RequiredWord& word : regex->required_words()) {
      clause->push_back({word.folded ? TextProbe::folded(word.text) : TextProbe::substring(word.text), {}, nullptr});
    }
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
    const std::string label = label_of(filter);
    const auto* text = std::get_if<StringLabelFilter>(&filter.node);
    if (const auto told = told_by_line_.find(label); told != told_by_line_.end()) {
      const bool yes = text != nullptr && text->matcher.op() == MatchOp::equal && text->matcher.value() == "true";
      if (!yes) return {};
      return {{{TextProbe::substring(told->second), {}, nullptr}}};
    }
    // Labels that begin so are made by the query itself.
    if (label.empty() || !labels_tell_ || written_.contains(label) || label.starts_with("__")) return {};
    return {clause_of(filter, label)};
  }

  /// Of a filter on a label that only stored text can have become.
  Clause clause_of(const LabelFilter& filter, const std::string& label) const {
    const auto field = fields_tell_ ? make_field_probe(filter, json_, logfmt_) : nullptr;
    const auto* text = std::get_if<StringLabelFilter>(&filter.node);
    if (text == nullptr || text->matcher.op() != MatchOp::equal || text->matcher.value().empty()) {
      return {{TextProbe::substring(""), label, field}};
    }
    const std::string& value = text->matcher.value();
    Clause clause{{TextProbe::value(value), label, field}};
    if (cuts_values_) clause.push_back({TextProbe::substring(value), label, nullptr});
    return clause;
  }

  std::vector<Clause> clauses_;
  std::set<std::string, std::less<>> written_;                    ///< by label_format
  std::map<std::string, std::string, std::less<>> told_by_line_;  ///< label: "true" if the line holds this
  bool line_is_stored_ = true;
  bool labels_tell_ = true;
  bool cuts_values_ = false;  ///< a parser takes values out of the middle of words
  bool fields_tell_ = true;   ///< parsed labels are fields under their own names
  bool json_ = false;
  bool logfmt_ = false;
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

Result<bool> BlockProbes::Alternative::may_hold(const BlockSource& block, ReadStats* stats) const {
  const bool denied = field != nullptr && !block.may_hold_field(*field, stats);
  if (!denied && !probe.useful()) return true;
  if (!label.empty() && any_stream_has(block, label)) return true;
  if (denied) return false;
  return block.may_hold(probe, stats);
}

void BlockProbes::Alternative::add_id_reads(const BlockSource& block, IdReads* reads) const {
  if (probe.conditions().ids.empty() || (!label.empty() && any_stream_has(block, label))) return;
  block.add_id_reads(probe, reads);
}

bool BlockProbes::locates_ids() const {
  return std::any_of(clauses_.begin(), clauses_.end(), [](const Clause& clause) {
    return std::any_of(clause.begin(), clause.end(),
                       [](const Alternative& alternative) { return !alternative.probe.conditions().ids.empty(); });
  });
}

std::optional<TextQuestion> BlockProbes::text_question() const {
  TextQuestion question;
  size_t asked = 0;
  for (const Clause& clause : clauses_) {
    const bool by_text = std::all_of(clause.begin(), clause.end(), [](const auto& a) { return a.probe.useful(); });
    if (!by_text || asked + clause.size() > kMaxAlternatives) continue;
    asked += clause.size();
    TextQuestion::Clause& all = question.all_of.emplace_back();
    for (const Alternative& alternative : clause) all.any_of.push_back(&alternative.probe);
    if (std::all_of(clause.begin(), clause.end(), [](const auto& a) { return a.label.empty(); })) continue;
    all.but_all_of = [&clause](const StreamPtr& stream) {
      return std::any_of(clause.begin(), clause.end(), [&stream](const Alternative& alternative) {
        return !alternative.label.empty() && stream->labels.has(alternative.label);
      });
    };
  }
  if (question.all_of.empty()) return std::nullopt;
  return question;
}

void BlockProbes::add_id_reads(const BlockSource& block, IdReads* reads) const {
  for (const Clause& clause : clauses_)
    for (const Alternative& alternative : clause) alternative.add_id_reads(block, reads);
}

Result<bool> BlockProbes::may_pass(const BlockSource& block, ReadStats* stats) const {
  for (const Clause& clause : clauses_) {
    bool holds = false;
    for (const Alternative& alternative : clause) {
      TRY_ASSIGN(holds, alternative.may_hold(block, stats));
      if (holds) break;
    }
    if (!holds) return false;
  }
  return true;
}

}  // namespace cordwood::query
