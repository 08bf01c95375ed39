// SPDX-License-Identifier: Apache-2.0
#include "query/extract_pattern.h"
#include "query/extractor_stage.h"

namespace cordwood::query {

Result<RowStagePtr> make_pattern_stage(const PatternStage& stage, const ParserHints* hints) {
  TRY_ASSIGN(PatternExtractor extractor, PatternExtractor::make(stage.expression));
  return RowStagePtr(std::make_unique<ExtractorStage<PatternExtractor>>(std::move(extractor), hints));
}

}  // namespace cordwood::query
