// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "query/cell_text.h"
#include "query/field_sink.h"
#include "query/logql_ast.h"
#include "query/pipeline_row.h"

namespace cordwood::query {

/// Gives a parser stage with expressions (`json status="http.status"`) what they name in lines that are kept as shape
/// and cells, without making the line.  Which slot an expression reads is found once per shape, by giving the stage's
/// own extractor a line of the shape in which each cell is a number that tells its slot.
class ExpressionSlots {
 public:
  /// Gives the fields of a line; false when it could not be read.
  using Extract = std::function<bool(std::string_view line, FieldSink* sink)>;
  struct Field {
    const std::string* name = nullptr;
    const ShapeSlot* slot = nullptr;
  };

  ExpressionSlots(LineForm form, const std::vector<ExtractionExpr>& expressions, Extract extract);

  LineForm form() const { return form_; }
  const std::vector<std::string>& names() const { return names_; }
  /// The fields that lines of the shape have, in the order in which they are given; null when the lines must be read.
  const std::vector<Field>* fields(const Shape& shape);
  /// Calls take(name, value) -> bool for the fields of a row until it says no; false when the row's line must be read.
  /// A value holds until take returns.
  template <typename Take>
  bool give(PipelineRow& row, Take&& take) {
    const std::vector<Field>* known = fields_of(row);
    if (known == nullptr) return false;
    for (const Field& field : *known) {
      const std::optional<std::string_view> value = value_of(row, *field.slot);
      if (!value || !take(*field.name, *value)) break;
    }
    return true;
  }
  /// Forgets shapes: their addresses may be used again.
  void on_block() {
    known_.clear();
    last_shape_ = nullptr;
  }

 private:
  using Fields = std::optional<std::vector<Field>>;
  Fields find(const Shape& shape) const;
  const std::vector<Field>* fields_of(PipelineRow& row);
  /// Nothing when it cannot be read: see row.failure().
  std::optional<std::string_view> value_of(PipelineRow& row, const ShapeSlot& slot);

  LineForm form_;
  std::vector<std::string> names_;
  bool names_differ_;
  Extract extract_;
  std::unordered_map<const Shape*, Fields> known_;
  const Shape* last_shape_ = nullptr;
  const Fields* last_fields_ = nullptr;
  CellText text_;
  std::string scratch_;
};

}  // namespace cordwood::query
