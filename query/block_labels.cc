// SPDX-License-Identifier: Apache-2.0
#include "query/block_labels.h"

#include <algorithm>

#include "query/cell_text.h"
#include "query/json_walk.h"

namespace cordwood::query {

namespace {

bool begins_no_object(std::string_view text) {
  const size_t token = next_json_token(text, 0);
  return token != std::string_view::npos && text[token] != '{';
}

/// Whether no line of the shape can begin as an object does, by its first constant or the cells of its first slot.
Result<bool> never_an_object(BlockColumns& columns, const Shape& shape) {
  const std::string& start = shape.constants.front();
  if (!start.empty() || shape.slots.empty()) return begins_no_object(start);
  TRY_ASSIGN(const ColumnCells* cells, columns.cells(shape.slots.front().column));
  if (cells->typed) return cells->exceptions.empty();
  return !cells->values.empty() && std::all_of(cells->values.begin(), cells->values.end(), begins_no_object);
}

Result<BlockLabels::Lines> lines_of(BlockColumns& columns, const Shape& shape, LineForm parser) {
  using Lines = BlockLabels::Lines;
  if (parser == LineForm::raw) return Lines::told;
  if (shape.form == parser) return slots_tell_fields(shape) ? Lines::told : Lines::open;
  if (parser != LineForm::json) return Lines::open;
  TRY_ASSIGN(const bool never, never_an_object(columns, shape));
  return never ? Lines::error : Lines::open;
}

}  // namespace

Result<std::optional<BlockLabels>> BlockLabels::make(BlockColumns& columns, LineForm parser,
                                                     std::span<const std::string> names,
                                                     const std::vector<bool>& stream_has) {
  if (!columns.metadata_is_plain()) return std::optional<BlockLabels>();
  BlockLabels out;
  out.parser_ = parser;
  TRY_ASSIGN(const std::span<const Shape> shapes, columns.shapes());
  out.lines_.push_back(parser == LineForm::raw ? Lines::told : Lines::open);
  for (const Shape& shape : shapes) {
    TRY_ASSIGN(const Lines lines, lines_of(columns, shape, parser));
    out.lines_.push_back(lines);
  }
  out.labels_.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    out.labels_[i].of_stream = stream_has[i];
    if (!stream_has[i]) out.labels_[i].metadata = columns.metadata_column(names[i]);
  }
  if (parser != LineForm::raw) out.place_fields(shapes, names);
  return std::optional(std::move(out));
}

void BlockLabels::place_fields(std::span<const Shape> shapes, std::span<const std::string> names) {
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
