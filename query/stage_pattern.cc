// SPDX-License-Identifier: Apache-2.0
#include "query/extract_pattern.h"
#include "query/parser_sink.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class Pattern final : public RowStage {
 public:
  Pattern(PatternExtractor extractor, const ParserHints* hints)
      : extractor_(std::move(extractor)), hints_(hints), sink_(hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    sink_.begin(&row);
    extractor_.extract(row.line(), &sink_);
    return !sink_.dropped();
  }

 private:
  PatternExtractor extractor_;
  const ParserHints* hints_;
  ParserSink sink_;
};

}  // namespace

Result<RowStagePtr> make_pattern_stage(const PatternStage& stage, const ParserHints* hints) {
  TRY_ASSIGN(PatternExtractor extractor, PatternExtractor::make(stage.expression));
  return RowStagePtr(std::make_unique<Pattern>(std::move(extractor), hints));
}

}  // namespace cordwood::query
