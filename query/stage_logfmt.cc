// SPDX-License-Identifier: Apache-2.0
#include "query/extract_logfmt.h"
#include "query/shape_fields.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class Logfmt final : public RowStage {
 public:
  Logfmt(const LogfmtStage& stage, const ParserHints* hints)
      : keep_empty_(stage.keep_empty),
        hints_(hints),
        sink_(hints),
        shapes_(LineForm::logfmt, hints),
        extractor_(stage) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    // Keys without a value are no slots of a shape.
    const auto shaped = keep_empty_ ? ShapeFields::Outcome::not_shaped : shapes_.process(row);
    if (shaped != ShapeFields::Outcome::not_shaped) return shaped == ShapeFields::Outcome::row_stays;
    sink_.begin(&row);
    const ExtractOutcome outcome = extractor_.extract(row.line(), &sink_);
    if (sink_.dropped()) return false;
    if (outcome.failed) set_parser_error(row, *hints_, kLogfmtParserError, outcome.details);
    return true;
  }
  void on_block() override { shapes_.on_block(); }

 private:
  bool keep_empty_;
  const ParserHints* hints_;
  ParserSink sink_;
  ShapeFields shapes_;
  LogfmtExtractor extractor_;
};

}  // namespace

RowStagePtr make_logfmt_stage(const LogfmtStage& stage, const ParserHints* hints) {
  return std::make_unique<Logfmt>(stage, hints);
}

}  // namespace cordwood::query
