// SPDX-License-Identifier: Apache-2.0
#include "query/extract_unpack.h"
#include "query/parser_sink.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class Unpack final : public RowStage {
 public:
  explicit Unpack(const ParserHints* hints) : hints_(hints), sink_(hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    sink_.begin(&row);
    std::string_view entry;
    const std::string_view line = row.line();
    const ExtractOutcome outcome = extractor_.extract(line, &sink_, &entry);
    if (sink_.dropped()) return false;
    if (outcome.failed) {
      set_parser_error(row, *hints_, kJsonParserError, outcome.details);
    } else if (entry.data() != line.data()) {
      row.set_line(row.arena.copy(entry));
    }
    return true;
  }

 private:
  const ParserHints* hints_;
  ParserSink sink_;
  UnpackExtractor extractor_;
};

}  // namespace

RowStagePtr make_unpack_stage(const ParserHints* hints) {
  return std::make_unique<Unpack>(hints);
}

}  // namespace cordwood::query
