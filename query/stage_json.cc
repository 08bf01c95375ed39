// SPDX-License-Identifier: Apache-2.0
#include "query/extract_json.h"
#include "query/json_walk.h"
#include "query/shape_fields.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class Json final : public RowStage {
 public:
  explicit Json(const ParserHints* hints) : hints_(hints), sink_(hints), shapes_(LineForm::json, hints) {}

  bool process(PipelineRow& row) override {
    if (hints_->may_skip(row.labels)) return true;
    switch (shapes_.process(row)) {
      case ShapeFields::Outcome::row_stays: return true;
      case ShapeFields::Outcome::row_drops: return false;
      case ShapeFields::Outcome::not_shaped: break;
    }
    if (cannot_be_object(row)) {
      set_parser_error(row, *hints_, kJsonParserError, fault_text(JsonFault::object));
      return true;
    }
    sink_.begin(&row);
    const ExtractOutcome outcome = extractor_.extract(row.line());
    if (sink_.dropped()) return false;
    if (outcome.failed) set_parser_error(row, *hints_, kJsonParserError, outcome.details);
    return true;
  }
  void on_block() override { shapes_.on_block(); }

 private:
  /// Whether a line that is kept otherwise shows by its shape, or by its first cell, that it does not begin as an
  /// object does.
  bool cannot_be_object(PipelineRow& row) {
    if (!row.line_is_stored()) return false;
    const auto shape = row.block().shape(row.row());
    if (!shape.ok() || *shape == nullptr) return false;
    const auto begins_otherwise = [](std::string_view text) {
      const size_t token = next_json_token(text, 0);
      return token != std::string_view::npos && text[token] != '{';
    };
    const std::string_view start = (*shape)->constants.front();
    if (!start.empty() || (*shape)->slots.empty()) return begins_otherwise(start);
    const auto cell = row.block().cell(row.row(), (*shape)->slots.front(), &cell_scratch_);
    return cell.ok() && begins_otherwise(*cell);
  }

  const ParserHints* hints_;
  ParserSink sink_;
  ShapeFields shapes_;
  JsonExtractor extractor_{&sink_};
  std::string cell_scratch_;
};

}  // namespace

RowStagePtr make_json_stage(const ParserHints* hints) {
  return std::make_unique<Json>(hints);
}

}  // namespace cordwood::query
