// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "query/block_labels.h"
#include "query/cell_map.h"

namespace cordwood::query {

/// The values of one label in a block: its metadata, else the slot of the line's shape.
template <typename Function>
class LabelCells {
 public:
  using Map = CellMap<Function>;
  using Value = typename Function::Value;

  /// All arguments outlive it.  `label` is not one of streams.
  static Result<LabelCells> make(BlockView& view, const BlockLabels& labels, size_t name, Function* function) {
    const BlockLabels::Label& label = labels.label(name);
    LabelCells out;
    if (label.metadata) {
      ShapeSlot slot{.column = *label.metadata, .kind = ShapeSlot::Kind::text, .path = {}};
      TRY_ASSIGN(Map map, Map::make(view, std::move(slot), LineForm::raw, false, function));
      out.metadata_.emplace(std::move(map));
    }
    out.function_ = function;
    for (uint32_t shape = 0; shape < labels.shape_ids(); ++shape) {
      const ShapeSlot* slot = label.by_shape.empty() ? nullptr : label.by_shape[shape];
      out.field_of_shape_.push_back(kNone);
      out.set_empty_.push_back(label.always_set && labels.lines(shape) == BlockLabels::Lines::told);
      if (slot == nullptr) continue;
      const auto same = std::find_if(out.fields_.begin(), out.fields_.end(), [slot](const Map& map) {
        return map.slot().column == slot->column && map.slot().kind == slot->kind;
      });
      out.field_of_shape_[shape] = static_cast<uint32_t>(same - out.fields_.begin());
      if (same != out.fields_.end()) continue;
      TRY_ASSIGN(Map map, Map::make(view, *slot, labels.parsed_form(), label.always_set, function));
      out.fields_.push_back(std::move(map));
    }
    return out;
  }

  /// Of some rows; `shapes` is that of each row of the block, and `out` has a place for each of `rows`.
  Result<void> read(std::span<const uint32_t> rows, std::span<const uint32_t> shapes, Value* out) {
    if (metadata_) TRY(metadata_->ranks());
    for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
      const uint32_t shape = shapes[rows[begin]];
      Map* const map = map_of(rows[begin], shape);
      for (end = begin + 1; end < rows.size() && map_of(rows[end], shapes[rows[end]]) == map; ++end) continue;
      if (map != nullptr) {
        TRY(map->read(rows.subspan(begin, end - begin), out + begin));
        continue;
      }
      for (size_t i = begin; i < end; ++i) out[i] = without(set_empty_[shapes[rows[i]]]);
    }
    return {};
  }
  Map* metadata() { return metadata_ ? &*metadata_ : nullptr; }
  /// Each for another column or kind of slot.
  std::vector<Map>& fields() { return fields_; }
  /// Whether rows of the shape have the field.
  bool has_field(uint32_t shape, size_t field) const { return field_of_shape_[shape] == field; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  LabelCells() = default;
  /// The map that has the row's value; null when its line has no such field.
  Map* map_of(uint32_t row, uint32_t shape) {
    if (metadata_ && metadata_->has(row)) return &*metadata_;
    const uint32_t field = field_of_shape_[shape];
    return field == kNone ? nullptr : &fields_[field];
  }
  /// Of lines that have no such field.
  Value without(bool empty) {
    std::optional<Value>& value = without_[empty ? 1 : 0];
    if (!value) value = function_->of(empty ? std::optional(std::string_view()) : std::nullopt);
    return *value;
  }

  Function* function_ = nullptr;
  std::optional<Map> metadata_;
  std::vector<Map> fields_;
  std::vector<uint32_t> field_of_shape_;
  std::vector<bool> set_empty_;  ///< by shape: lines that have no such field have the label, empty
  std::array<std::optional<Value>, 2> without_;
};

}  // namespace cordwood::query
