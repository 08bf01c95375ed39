// SPDX-License-Identifier: Apache-2.0
#include "query/pipeline.h"

#include <fmt/core.h>

#include <algorithm>

#include "query/column_samples.h"
#include "query/logql_print.h"
#include "storage/text_probe.h"

namespace cordwood::query {

namespace {

/// Columns are read as a whole when at least this part of a block's rows is wanted.
constexpr uint64_t kLeastPart = 32;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

bool is_line_filter(const Stage& stage) {
  return std::holds_alternative<LineFilterStage>(stage);
}

/// Whether it keeps the rows with some id: few, wherever they are.
bool seeks_ids(const Stage& stage) {
  const auto* filter = std::get_if<LineFilterStage>(&stage);
  return filter != nullptr && filter->op == LineOp::contains &&
         std::all_of(filter->operands.begin(), filter->operands.end(), [](const LineOperand& operand) {
           return !operand.ip && !TextProbe::substring(operand.text).conditions().ids.empty();
         });
}

/// Builds one stage; label filters come with their predicate made before.
struct StageMaker {
  const ParserHints* hints;
  LabelPredicatePtr predicate;
  uint64_t rows_one_by_one;

  Result<RowStagePtr> operator()(const Stage& stage) const {
    return std::visit(
        Overloaded{
            [this](const LineFilterStage& s) { return make_line_filter_stage(s, rows_one_by_one); },
            [this](const JsonStage& s) {
              return s.expressions.empty() ? Result<RowStagePtr>(make_json_stage(hints))
                                           : make_json_expression_stage(s, hints);
            },
            [this](const LogfmtStage& s) {
              return s.expressions.empty() ? Result<RowStagePtr>(make_logfmt_stage(s, hints))
                                           : make_logfmt_expression_stage(s, hints);
            },
            [this](const RegexpStage& s) { return make_regexp_stage(s, hints); },
            [this](const PatternStage& s) { return make_pattern_stage(s, hints); },
            [this](const UnpackStage&) { return Result<RowStagePtr>(make_unpack_stage(hints)); },
            [this](const LabelFilterStage&) { return Result<RowStagePtr>(make_label_filter_stage(predicate)); },
            [](const LineFormatStage& s) { return make_line_format_stage(s); },
            [](const LabelFormatStage& s) { return make_label_format_stage(s); },
            [](const DecolorizeStage&) { return Result<RowStagePtr>(make_decolorize_stage()); },
            [](const DropStage& s) { return make_drop_stage(s); },
            [](const KeepStage& s) { return make_keep_stage(s); },
        },
        stage);
  }
};

Error stage_error(const Stage& stage, const Error& error) {
  return Error::invalid(fmt::format("parse error : stage '{}' : {}", to_string(stage), error.message));
}

/// Labels that a stage reads by name.
void required_labels(const Stage& stage, const LabelPredicatePtr& predicate, std::vector<std::string>* out) {
  if (predicate != nullptr) predicate->names(out);
  if (const auto* format = std::get_if<LineFormatStage>(&stage)) line_format_labels(*format, out);
  if (const auto* format = std::get_if<LabelFormatStage>(&stage)) label_format_labels(*format, out);
}

}  // namespace

Result<std::unique_ptr<Pipeline>> Pipeline::make(std::span<const Stage> stages, const LabelDemand& demand,
                                                 uint64_t rows_one_by_one,
                                                 std::span<const LabelFilterPtr> extra_filters) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  const std::vector<Stage> ordered = reorder_stages(stages);
  // None of the first rows will do, and lines put together have ids of other rows read.
  if (std::any_of(ordered.begin(), ordered.end(), seeks_ids)) rows_one_by_one = 0;
  pipeline->rows_one_by_one_ = rows_one_by_one;
  std::vector<LabelPredicatePtr> predicates(ordered.size()), filters;
  std::vector<std::string> required;
  for (size_t i = 0; i < ordered.size(); ++i) {
    if (const auto* filter = std::get_if<LabelFilterStage>(&ordered[i])) {
      auto made = make_label_predicate(*filter->filter);
      if (!made.ok()) return stage_error(ordered[i], made.error());
      predicates[i] = std::move(*made);
      filters.push_back(predicates[i]);
    }
    required_labels(ordered[i], predicates[i], &required);
  }
  for (const LabelFilterPtr& filter : extra_filters) {
    TRY_ASSIGN(LabelPredicatePtr made, make_label_predicate(*filter));
    made->names(&required);
    // Several filters after an unwrap count as one over several labels, which cannot drop rows early.
    if (extra_filters.size() == 1) filters.push_back(made);
    pipeline->extra_.push_back(std::move(made));
  }
  pipeline->hints_ = make_parser_hints(demand, required, filters);
  for (size_t i = 0; i < ordered.size(); ++i) {
    auto made = StageMaker{&pipeline->hints_, predicates[i], rows_one_by_one}(ordered[i]);
    if (!made.ok()) return stage_error(ordered[i], made.error());
    pipeline->stages_.push_back(std::move(*made));
  }
  pipeline->columns_ =
      std::make_unique<ColumnSelect>(ordered, pipeline->stages_, extra_filters, ColumnSamples::names(demand));
  return pipeline;
}

Result<uint32_t> Pipeline::ruled_out(uint32_t row, uint32_t most, bool downwards) {
  if (!known_) {
    if (rows_to_come_ * kLeastPart < block_->row_count()) return 0;
    if (rows_one_by_one_ > 0) {
      --rows_one_by_one_;
      return 0;
    }
    TRY_ASSIGN(known_, columns_->rows_of(*block_, *stream_));
  }
  if (known_->none) return most;
  if (known_->found == nullptr) return 0;
  const RowBits& rows = known_->found->rows.kept;
  if (rows.test(row)) return 0;
  const uint32_t next = downwards ? rows.previous(row) : rows.next(row);
  if (next == rows.rows()) return most;
  return std::min(most, downwards ? row - next : next - row);
}

std::vector<Stage> reorder_stages(std::span<const Stage> stages) {
  std::vector<Stage> out, waiting;
  for (const Stage& stage : stages) {
    const bool fence = std::holds_alternative<LabelFilterStage>(stage) ||
                       std::holds_alternative<LineFormatStage>(stage) || std::holds_alternative<UnpackStage>(stage);
    if (is_line_filter(stage)) {
      out.push_back(stage);
      continue;
    }
    waiting.push_back(stage);
    if (!fence) continue;
    out.insert(out.end(), waiting.begin(), waiting.end());
    waiting.clear();
  }
  out.insert(out.end(), waiting.begin(), waiting.end());
  return out;
}

std::vector<Stage> without_unseen_line_formats(std::span<const Stage> stages) {
  std::vector<Stage> out;
  for (size_t i = 0; i < stages.size(); ++i) {
    const bool seen = std::any_of(stages.begin() + static_cast<std::ptrdiff_t>(i) + 1, stages.end(),
                                  [](const Stage& s) { return is_parser(s) || is_line_filter(s); });
    if (seen || !std::holds_alternative<LineFormatStage>(stages[i])) out.push_back(stages[i]);
  }
  return out;
}

}  // namespace cordwood::query
