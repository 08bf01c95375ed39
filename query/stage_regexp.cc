// SPDX-License-Identifier: Apache-2.0
#include "query/extract_regexp.h"
#include "query/parser_sink.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class Regexp final : public RowStage {
 public:
  Regexp(RegexpExtractor extractor, const ParserHints* hints)
      : extractor_(std::move(extractor)), hints_(hints), sink_(hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    sink_.begin(&row);
    extractor_.extract(row.line(), &sink_);
    return !sink_.dropped();
  }

 private:
  RegexpExtractor extractor_;
  const ParserHints* hints_;
  ParserSink sink_;
};

}  // namespace

Result<RowStagePtr> make_regexp_stage(const RegexpStage& stage, const ParserHints* hints) {
  TRY_ASSIGN(RegexpExtractor extractor, RegexpExtractor::make(stage.expression));
  return RowStagePtr(std::make_unique<Regexp>(std::move(extractor), hints));
}

}  // namespace cordwood::query
