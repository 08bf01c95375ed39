// SPDX-License-Identifier: Apache-2.0
#include "query/extract_json_paths.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class JsonExpression final : public RowStage, private FieldSink {
 public:
  JsonExpression(const JsonStage& stage, JsonPathExtractor extractor, ExpressionSlots slots, const ParserHints* hints)
      : stage_(stage), extractor_(std::move(extractor)), slots_(std::move(slots)), hints_(hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    row_ = &row;
    bool looked = true;
    if (!slots_.give(row, [this](const auto& name, std::string_view value) { return on_field(name, value); })) {
      const ExtractOutcome outcome = extractor_.extract(row.line(), this, &looked);
      if (outcome.failed) set_parser_error(row, *hints_, kJsonParserError, outcome.details);
    }
    if (!looked) return true;
    for (const ExtractionExpr& expression : stage_.expressions) {
      if (!row.labels.get(expression.name)) row.labels.set_parsed(expression.name, {});
    }
    return true;
  }
  void on_block() override { slots_.on_block(); }

 private:
  bool on_field(std::string_view name, std::string_view value) override {
    std::string_view label = row_->labels.parsed_name(name);
    if (label.data() == name.data()) label = row_->arena.copy(name);
    row_->labels.set_parsed(label, row_->arena.copy(value));
    return true;
  }

  JsonStage stage_;
  JsonPathExtractor extractor_;
  ExpressionSlots slots_;
  const ParserHints* hints_;
  PipelineRow* row_ = nullptr;
};

}  // namespace

Result<ExpressionSlots> make_json_slots(const JsonStage& stage) {
  TRY_ASSIGN(JsonPathExtractor made, JsonPathExtractor::make(stage.expressions));
  const auto extractor = std::make_shared<JsonPathExtractor>(std::move(made));
  return ExpressionSlots(LineForm::json, stage.expressions, [extractor](std::string_view line, FieldSink* sink) {
    bool looked = false;  // arrays lie in one cell, whatever they hold
    return !extractor->enters_arrays() && !extractor->extract(line, sink, &looked).failed && looked;
  });
}

Result<RowStagePtr> make_json_expression_stage(const JsonStage& stage, const ParserHints* hints) {
  TRY_ASSIGN(JsonPathExtractor extractor, JsonPathExtractor::make(stage.expressions));
  TRY_ASSIGN(ExpressionSlots slots, make_json_slots(stage));
  return RowStagePtr(std::make_unique<JsonExpression>(stage, std::move(extractor), std::move(slots), hints));
}

}  // namespace cordwood::query
