// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "query/parser_sink.h"
#include "query/stages.h"

namespace cordwood::query {

/// A parser that takes fields out of the line's text and knows no errors: `pattern` and `regexp`.
template <typename Extractor>
class ExtractorStage final : public RowStage {
 public:
  ExtractorStage(Extractor extractor, const ParserHints* hints)
      : extractor_(std::move(extractor)), hints_(hints), sink_(hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    sink_.begin(&row);
    extractor_.extract(row.line(), &sink_);
    return !sink_.dropped();
  }

 private:
  Extractor extractor_;
  const ParserHints* hints_;
  ParserSink sink_;
};

}  // namespace cordwood::query
