// SPDX-License-Identifier: Apache-2.0
#include "query/extract_regexp.h"
#include "query/extractor_stage.h"

namespace cordwood::query {

Result<RowStagePtr> make_regexp_stage(const RegexpStage& stage, const ParserHints* hints) {
  TRY_ASSIGN(RegexpExtractor extractor, RegexpExtractor::make(stage.expression));
  return RowStagePtr(std::make_unique<ExtractorStage<RegexpExtractor>>(std::move(extractor), hints));
}

}  // namespace cordwood::query
