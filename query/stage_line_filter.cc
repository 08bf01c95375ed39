// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <variant>

#include "query/extract_pattern.h"
#include "query/ip_matcher.h"
#include "query/regex_simplify.h"
#include "query/stages.h"
#include "storage/base/find_bytes.h"
#include "storage/block_columns.h"

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
    case 0: return contains_bytes(line, std::get_if<Needle>(&operand)->text);
    case 1: return std::get_if<SimpleRegex>(&operand)->matches(line);
    case 2: return std::get_if<LinePattern>(&operand)->matches(line);
    default: return std::get_if<IpMatcher>(&operand)->found_in(line);
  }
}

/// What a line must hold one of for an operand to match; nothing when there is no such condition.
struct Required {
  std::vector<RequiredWord> words;
  bool enough = false;  ///< a line that holds one matches
};

std::optional<Required> required_by(const Operand& operand) {
  if (const auto* needle = std::get_if<Needle>(&operand)) return Required{{{needle->text, false}}, true};
  if (const auto* regex = std::get_if<SimpleRegex>(&operand)) {
    if (regex->required_words().empty()) return std::nullopt;
    return Required{regex->required_words(), regex->required_words_are_enough()};
  }
  if (const auto* pattern = std::get_if<LinePattern>(&operand)) {
    const std::string_view literal = pattern->longest_literal();
    if (!literal.empty()) return Required{{{std::string(literal), false}}, false};
  }
  return std::nullopt;
}

/// One operand and, in a block that can be searched as a whole, the rows that may match it.
class SearchedOperand {
 public:
  explicit SearchedOperand(Operand operand) : operand_(std::move(operand)), required_(required_by(operand_)) {}

  const Operand& operand() const { return operand_; }
  bool searchable() const { return required_.has_value(); }
  void on_block() { rows_.reset(); }
  bool matches_row(PipelineRow& row) {
    if (auto searched = search(row.block()); !searched.ok()) {
      row.fail(std::move(searched).error());
      return false;
    }
    if (!rows_->test(row.row())) return false;
    return required_->enough || matches(operand_, row.line());
  }

  /// Adds the rows that may match, and of them to `open` those that have to be looked at.
  Result<void> select(BlockView& block, RowBits* matching, RowBits* open) {
    const auto* regex = std::get_if<SimpleRegex>(&operand_);
    const bool near = regex != nullptr && regex->longest_match() && !required_->enough && block.columns() != nullptr &&
                      std::none_of(required_->words.begin(), required_->words.end(),
                                   [](const RequiredWord& word) { return word.folded; });
    if (near) return select_near(*block.columns(), *regex, matching, open);
    TRY_ASSIGN(const RowBits* found, search(block));
    matching->add(*found);
    if (!required_->enough) open->add(*found);
    return {};
  }

  /// Searches the block, unless it was.
  Result<const RowBits*> search(BlockView& block) {
    if (rows_) return &*rows_;
    RowBits rows(block.row_count());
    for (const RequiredWord& word : required_->words) {
      TRY_ASSIGN(const RowBits found, block.rows_with_text({word.text, word.folded}, TextPlace::line));
      rows.add(found);
    }
    rows_ = std::move(rows);
    return &*rows_;
  }

 private:
  /// The same for an expression that tells by what stands near its words.
  Result<void> select_near(BlockColumns& columns, const SimpleRegex& regex, RowBits* matching, RowBits* open) {
    RowBits sure(matching->rows()), undecided(matching->rows());
    std::string near;
    for (const RequiredWord& word : required_->words) {
      TRY_ASSIGN(const TextHits hits, columns.find_in_lines(word.text));
      undecided.add(hits.others);
      const size_t beside = *regex.longest_match() - std::min(*regex.longest_match(), word.text.size());
      for (const TextHits::Column& hit : hits.columns) {
        for (uint32_t row = hit.rows.next(0); row < hit.rows.rows(); row = hit.rows.next(row + 1)) {
          if (sure.test(row)) continue;
          near.clear();
          TRY_ASSIGN(const bool whole,
                     columns.append_around(row, hit.column, hit.before + beside, hit.behind + beside, &near));
          if (!whole) {
            undecided.set(row);
          } else if (regex.matches(near)) {
            sure.set(row);
          }
        }
      }
    }
    undecided.remove(sure);
    matching->add(sure);
    matching->add(undecided);
    open->add(undecided);
    sure.add(undecided);
    rows_ = std::move(sure);
    return {};
  }

  Operand operand_;
  std::optional<Required> required_;
  std::optional<RowBits> rows_;
};

/// Positive: one operand must match, and operands that take everything do not count beside others.  Negative: none
/// may match.
class LineFilter final : public RowStage {
 public:
  LineFilter(std::vector<Operand> operands, bool negative, uint64_t rows_one_by_one)
      : negative_(negative), rows_one_by_one_(rows_one_by_one) {
    const bool any_takes_all = std::any_of(operands.begin(), operands.end(), takes_everything);
    if (!negative_) std::erase_if(operands, takes_everything);
    if (negative_ ? any_takes_all : operands.empty()) fixed_ = !negative_;
    for (Operand& operand : operands) operands_.emplace_back(std::move(operand));
    searchable_ = std::any_of(operands_.begin(), operands_.end(), [](const auto& o) { return o.searchable(); });
  }
  bool process(PipelineRow& row) override {
    if (fixed_) return *fixed_;
    const bool by_block = searchable_ && row.line_is_stored() && searches_block(row);
    if (by_block) row.assume_line_size(mean_line_bytes_);
    for (SearchedOperand& operand : operands_) {
      const bool found =
          by_block && operand.searchable() ? operand.matches_row(row) : matches(operand.operand(), row.line());
      if (found) return !negative_;
    }
    return negative_;
  }
  Result<void> select(BlockView& block, RowSelection* rows) override {
    if (fixed_) {
      if (!*fixed_) rows->kept.remove(rows->kept);
      return {};
    }
    RowBits sure(rows->kept.rows()), open(rows->kept.rows());
    bool all_searched = true;
    for (SearchedOperand& operand : operands_) {
      all_searched = all_searched && operand.searchable();
      if (!operand.searchable()) continue;
      RowBits matching(rows->kept.rows()), undecided(rows->kept.rows());
      TRY(operand.select(block, &matching, &undecided));
      matching.remove(undecided);
      sure.add(matching);
      open.add(undecided);
    }
    open.remove(sure);
    if (negative_) {
      rows->kept.remove(sure);
    } else if (all_searched) {
      RowBits matching = sure;
      matching.add(open);
      rows->kept.keep(matching);
    }
    if (!all_searched) open.set_all();
    rows->open.add(open);
    return {};
  }
  void on_block() override {
    mean_line_bytes_ = 0;
    for (SearchedOperand& operand : operands_) operand.on_block();
  }

 private:
  /// After the first rows of a query a block is searched as a whole at once, since a single line put together opens
  /// all of its columns.
  bool searches_block(const PipelineRow& row) {
    if (rows_one_by_one_ > 0) {
      --rows_one_by_one_;
      return false;
    }
    if (row.source == nullptr || !row.block().searches_at_once()) return false;
    if (mean_line_bytes_ == 0) mean_line_bytes_ = mean_line_bytes(row.source->info());
    return true;
  }
  static uint64_t mean_line_bytes(const BlockInfo& block) {
    uint64_t bytes = 0;
    for (const BlockStream& part : block.streams) bytes += part.line_bytes;
    return block.rows == 0 ? 0 : bytes / block.rows;
  }

  std::vector<SearchedOperand> operands_;
  bool negative_;
  bool searchable_ = false;
  std::optional<bool> fixed_;     ///< the answer for every line
  uint64_t rows_one_by_one_;      ///< that are still to come
  uint64_t mean_line_bytes_ = 0;  ///< of the block; 0 until it is searched
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

Result<RowStagePtr> make_line_filter_stage(const LineFilterStage& stage, uint64_t rows_one_by_one) {
  std::vector<Operand> operands;
  for (const LineOperand& operand : stage.operands) {
    TRY_ASSIGN(Operand made, make_operand(stage.op, operand));
    operands.push_back(std::move(made));
  }
  return RowStagePtr(std::make_unique<LineFilter>(std::move(operands), is_negative(stage.op), rows_one_by_one));
}

}  // namespace cordwood::query
