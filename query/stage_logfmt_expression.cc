// SPDX-License-Identifier: Apache-2.0
#include "query/extract_logfmt.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

/// Sets the labels that were asked for; of a key that stands twice the last value stays.
class LogfmtExpression final : public RowStage, private FieldSink {
 public:
  LogfmtExpression(const LogfmtStage& stage, const ParserHints* hints)
      : stage_(stage), hints_(hints), extractor_(stage), slots_(make_logfmt_slots(stage)) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    row_ = &row;
    dropped_ = false;
    for (const ExtractionExpr& expression : stage_.expressions) {
      if (!row.labels.stream_has(expression.name) && !row.labels.metadata_has(expression.name)) {
        row.labels.set_parsed(expression.name, {});
      }
    }
    if (slots_.give(row, [this](const auto& name, std::string_view value) { return on_field(name, value); })) {
      return !dropped_;
    }
    const ExtractOutcome outcome = extractor_.extract(row.line(), this);
    if (dropped_) return false;
    if (outcome.failed) set_parser_error(row, *hints_, kLogfmtParserError, outcome.details);
    return true;
  }
  void on_block() override { slots_.on_block(); }

 private:
  bool on_field(std::string_view name, std::string_view value) override {
    std::string_view label = row_->labels.parsed_name(name);
    if (label.data() == name.data()) label = row_->arena.copy(name);
    dropped_ = set_parsed_label(*row_, *hints_, label, row_->arena.copy(value)) == AfterLabel::drop_row;
    return !dropped_;
  }

  LogfmtStage stage_;
  const ParserHints* hints_;
  LogfmtExtractor extractor_;
  ExpressionSlots slots_;
  PipelineRow* row_ = nullptr;
  bool dropped_ = false;
};

}  // namespace

ExpressionSlots make_logfmt_slots(const LogfmtStage& stage) {
  const auto extractor = std::make_shared<LogfmtExtractor>(stage);
  return {LineForm::logfmt, stage.expressions,
          [extractor](std::string_view line, FieldSink* sink) { return !extractor->extract(line, sink).failed; }};
}

Result<RowStagePtr> make_logfmt_expression_stage(const LogfmtStage& stage, const ParserHints* hints) {
  return RowStagePtr(std::make_unique<LogfmtExpression>(stage, hints));
}

}  // namespace cordwood::query
