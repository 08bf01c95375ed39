// SPDX-License-Identifier: Apache-2.0
#include "query/block_labels.h"

#include <algorithm>

#include "query/cell_text.h"
#include "query/json_walk.h"

namespace cordwood::query {

namespace {

/// Whether a line that begins so is refused by the json stage.
bool begins_no_object(std::string_view text) {
  const size_t token = next_json_token(text, 0);
  return token != std::string_view::npos && text[token] != '{';
}
/// The same for the stage with expressions.
bool begins_no_json(std::string_view text) {
  return !text.empty() && text[0] != '{' && text[0] != '[' && text[0] != '"';
}

/// Whether all lines of the shape begin in a way that `refused` says, by its first constant or the cells of its first
/// slot.
Result<bool> always_refused(BlockColumns& columns, const Shape& shape, bool (*refused)(std::string_view)) {
  const std::string_view start = shape.constants.front();
  if (!start.empty() || shape.slots.empty()) return refused(start);
  TRY_ASSIGN(const ColumnCells* cells, columns.cells(shape.slots.front().column));
  if (cells->typed) return cells->exceptions.empty();
  return !cells->values.empty() && std::all_of(cells->values.begin(), cells->values.end(), refused);
}

Result<BlockLabels::Lines> lines_of(BlockColumns& columns, const Shape& shape, const LineParser& parser) {
  using Lines = BlockLabels::Lines;
  if (parser.form == LineForm::raw) return Lines::told;
  if (shape.form == parser.form) {
    const bool told =
        parser.expressions != nullptr ? parser.expressions->fields(shape) != nullptr : slots_tell_fields(shape);
    return told ? Lines::told : Lines::open;
  }
  if (parser.form != LineForm::json) return Lines::open;
  const auto refused = parser.expressions != nullptr ? begins_no_json : begins_no_object;
  TRY_ASSIGN(const bool always, always_refused(columns, shape, refused));
  return always ? Lines::error : Lines::open;
}

}  // namespace

Result<std::optional<BlockLabels>> BlockLabels::make(BlockColumns& columns, const LineParser& parser,
                                                     std::span<const std::string> names,
                                                     const std::vector<bool>& stream_has) {
  if (!columns.metadata_is_plain()) return std::optional<BlockLabels>();
  BlockLabels out;
  out.parsed_form_ = parser.form;
  TRY_ASSIGN(const std::span<const Shape> shapes, columns.shapes());
  out.lines_.push_back(parser.form == LineForm::raw ? Lines::told : Lines::open);
  for (const Shape& shape : shapes) {
    TRY_ASSIGN(const Lines lines, lines_of(columns, shape, parser));
    out.lines_.push_back(lines);
  }
  out.labels_.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    out.labels_[i].of_stream = stream_has[i];
    if (!stream_has[i]) out.labels_[i].metadata = columns.metadata_column(names[i]);
  }
  if (parser.expressions != nullptr) {
    out.place_expressions(shapes, names, parser.expressions);
  } else if (parser.form != LineForm::raw) {
    out.place_all(shapes, names);
  }
  return std::optional(std::move(out));
}

void BlockLabels::place_expressions(std::span<const Shape> shapes, std::span<const std::string> names,
                                    ExpressionSlots* expressions) {
  const auto index_of = [&names](const std::string& name) {
    return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  for (const std::string& name : expressions->names()) {
    const size_t index = index_of(name);
    if (index < names.size()) labels_[index].always_set = !labels_[index].of_stream;
  }
  for (size_t s = 0; s < shapes.size(); ++s) {
    if (lines_[s + 1] != Lines::told) continue;
    for (const ExpressionSlots::Field& field : *expressions->fields(shapes[s])) {
      const size_t index = index_of(*field.name);
      if (index == names.size() || labels_[index].of_stream) continue;
      labels_[index].by_shape.resize(lines_.size(), nullptr);
      labels_[index].by_shape[s + 1] = field.slot;
    }
  }
}

void BlockLabels::place_all(std::span<const Shape> shapes, std::span<const std::string> names) {
  constexpr size_t kUnknown = SIZE_MAX, kNone = SIZE_MAX - 1;
  std::vector<size_t> name_of_column;
  for (size_t s = 0; s < shapes.size(); ++s) {
    if (lines_[s + 1] != Lines::told) continue;
    for (const ShapeSlot& slot : shapes[s].slots) {
      if (slot.kind == ShapeSlot::Kind::array) continue;
      if (slot.column >= name_of_column.size()) name_of_column.resize(slot.column + 1, kUnknown);
      size_t& name = name_of_column[slot.column];
      if (name == kUnknown) {
        const auto at = std::find(names.begin(), names.end(), joined_label_name(slot.path));
        name = at == names.end() ? kNone : static_cast<size_t>(at - names.begin());
      }
      if (name == kNone || labels_[name].of_stream) continue;
      std::vector<const ShapeSlot*>& by_shape = labels_[name].by_shape;
      if (by_shape.empty()) by_shape.resize(lines_.size(), nullptr);
      // Of several fields of one name the first with a value counts.
      if (by_shape[s + 1] != nullptr) lines_[s + 1] = Lines::open;
      by_shape[s + 1] = &slot;
    }
  }
}

}  // namespace cordwood::query
