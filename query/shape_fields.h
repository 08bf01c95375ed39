// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "query/cell_text.h"
#include "query/parser_hints.h"
#include "query/parser_sink.h"
#include "query/pipeline_row.h"

namespace cordwood::query {

/// Gives a parser stage the fields of lines that are kept as shape and cells, without making the line: which slots
/// become which labels is worked out once per shape.  The labels are those that the text would give.
class ShapeFields {
 public:
  ShapeFields(LineForm form, const ParserHints* hints) : form_(form), hints_(hints), sink_(hints) {}

  enum class Outcome : unsigned char { not_shaped, row_stays, row_drops };
  Outcome process(PipelineRow& row);
  /// Forgets shapes: their addresses may be used again.
  void on_block() {
    plans_.clear();
    last_shape_ = nullptr;
  }

 private:
  /// What a field becomes under one of its two names.
  struct Target {
    std::string label;
    bool wanted = false;
    const LabelPredicate* guard = nullptr;
  };
  struct Field {
    const ShapeSlot* slot = nullptr;
    Target plain;      ///< the sanitised, joined name
    Target extracted;  ///< the same with _extracted
    bool metadata_may_clash = true;
    bool stream_clashes = false;
    bool guarded() const { return plain.guard != nullptr || extracted.guard != nullptr; }
  };
  struct Plan {
    bool usable = true;  ///< false: such lines must be read as text
    bool any_guarded = false;
    const Stream* stream = nullptr;  ///< the one that stream_clashes speaks of
    std::vector<Field> fields;
  };

  const Plan& plan_for(const Shape* shape, const PipelineRow& row);
  Plan make_plan(const Shape& shape, const PipelineRow& row) const;
  Target make_target(std::string label) const;
  static const Target& target_of(PipelineRow& row, const Field& field);
  /// False ends the work on the row: see sink_.dropped().
  bool take(PipelineRow& row, const Field& field);
  /// Whether the integer of the cell alone refuses the row.
  bool refused_by_integer(PipelineRow& row, const Field& field, const LabelPredicate& guard);

  LineForm form_;
  const ParserHints* hints_;
  ParserSink sink_;
  std::unordered_map<const Shape*, Plan> plans_;
  const Shape* last_shape_ = nullptr;
  Plan* last_plan_ = nullptr;
  CellText text_;
  std::string cell_scratch_;
  bool refused_ = false;
};

}  // namespace cordwood::query
