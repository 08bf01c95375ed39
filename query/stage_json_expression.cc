// SPDX-License-Identifier: Apache-2.0
#include "query/extract_json_paths.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class JsonExpression final : public RowStage, private FieldSink {
 public:
  JsonExpression(const JsonStage& stage, JsonPathExtractor extractor, const ParserHints* hints)
      : stage_(stage), extractor_(std::move(extractor)), hints_(hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    row_ = &row;
    bool looked = true;
    const ExtractOutcome outcome = extractor_.extract(row.line(), this, &looked);
    if (outcome.failed) set_parser_error(row, *hints_, kJsonParserError, outcome.details);
    if (!looked) return true;
    for (const ExtractionExpr& expression : stage_.expressions) {
      if (!row.labels.get(expression.name)) row.labels.set_parsed(expression.name, {});
    }
    return true;
  }

 private:
  bool on_field(std::string_view name, std::string_view value) override {
    std::string_view label = row_->labels.parsed_name(name);
    if (label.data() == name.data()) label = row_->arena.copy(name);
    row_->labels.set_parsed(label, row_->arena.copy(value));
    return true;
  }

  JsonStage stage_;
  JsonPathExtractor extractor_;
  const ParserHints* hints_;
  PipelineRow* row_ = nullptr;
};

}  // namespace

Result<RowStagePtr> make_json_expression_stage(const JsonStage& stage, const ParserHints* hints) {
  TRY_ASSIGN(JsonPathExtractor extractor, JsonPathExtractor::make(stage.expressions));
  return RowStagePtr(std::make_unique<JsonExpression>(stage, std::move(extractor), hints));
}

}  // namespace cordwood::query
