// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

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
  struct Field {
    const ShapeSlot* slot = nullptr;
    std::string name;      ///< sanitised, joined
    bool guarded = false;  ///< a filter waits for this name or its _extracted twin
  };
  struct Plan {
    bool usable = true;  ///< false: such lines must be read as text
    bool any_guarded = false;
    std::vector<Field> fields;
  };

  const Plan& plan_for(const Shape* shape);
  Plan make_plan(const Shape& shape) const;
  /// False ends the work on the row: see sink_.dropped().
  bool take(PipelineRow& row, const Field& field);
  /// Whether the integer of the cell alone refuses the row.
  bool refused_by_integer(PipelineRow& row, const Field& field, std::string_view label);
  std::string_view decode(PipelineRow& row, const ShapeSlot& slot, std::string_view cell);

  LineForm form_;
  const ParserHints* hints_;
  ParserSink sink_;
  std::unordered_map<const Shape*, Plan> plans_;
  const Shape* last_shape_ = nullptr;
  const Plan* last_plan_ = nullptr;
  std::string cell_scratch_, value_scratch_, line_scratch_;
  bool refused_ = false;
};

/// Name that the parsers give to the keys from the outermost object in; empty when all are blank.
std::string joined_label_name(const std::vector<std::string>& path);

}  // namespace cordwood::query
