// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "query/block_labels.h"
#include "query/cell_text.h"
#include "query/numbered_texts.h"
#include "storage/block_columns.h"
#include "storage/column_pattern.h"

namespace cordwood::query {

/// What a function makes of the cells of one slot, worked out once for each text that a dictionary holds, and without
/// text where the function takes numbers.  Function has
///   Value                                  cheap to copy
///   Value of(optional<string_view> text)   nothing: the field sets no label
///   optional<Value> of_number(double)      for cells that are numbers; nothing: give me the text
/// and perhaps, for cells that are one number in a text
///   optional<NumberedTexts::Split> split(optional<string_view> text)   which texts of this pattern follow
///   Value of_split(NumberedTexts::Split)                               the same as of() their text
template <typename Function>
class CellMap {
 public:
  using Value = typename Function::Value;

  /// All arguments outlive the map; `form` is raw for cells of metadata.  `always_set`: what sets no label counts as an
  /// empty text.
  static Result<CellMap> make(BlockView& view, ShapeSlot slot, LineForm form, bool always_set, Function* function) {
    TRY_ASSIGN(const ColumnCells* cells, view.columns()->cells(slot.column));
    TRY_ASSIGN(const RowRanks* ranks, view.columns()->ranks(slot.column));
    CellMap out(view, std::move(slot), form, function, *cells, *ranks);
    if (always_set) out.missing_ = std::string_view();
    if constexpr (kKnowsPatterns) {
      TRY_ASSIGN(PatternReader * pattern, view.columns()->pattern(out.slot_.column));
      if (pattern == nullptr) return out;
      TRY_ASSIGN(const bool one_number, pattern->has_one_number());
      if (one_number) out.pattern_ = pattern;
    }
    return out;
  }
  const RowRanks& ranks() const { return *ranks_; }
  const ShapeSlot& slot() const { return slot_; }

  /// Of rows that have the cell; `out` has as many.
  Result<void> read(std::span<const uint32_t> rows, Value* out) {
    switch (cells_->kind) {
      case ColumnCells::Kind::constant: std::fill_n(out, rows.size(), of_known(0)); return {};
      case ColumnCells::Kind::dictionary:
        for (const uint32_t row : rows) *out++ = of_known(static_cast<size_t>(cells_->numbers[ranks_->rank(row)]));
        return {};
      case ColumnCells::Kind::numbers:
      case ColumnCells::Kind::texts: break;
    }
    for (const uint32_t row : rows) {
      TRY_ASSIGN(*out++, at(ranks_->rank(row), row));
    }
    return {};
  }

  /// Calls take(cell, value) for all cells, in order.
  template <typename Take>
  Result<void> for_each(Take&& take) {
    const uint32_t count = ranks_->count();
    switch (cells_->kind) {
      case ColumnCells::Kind::constant:
        for (uint32_t cell = 0; cell < count; ++cell) take(cell, of_known(0));
        return {};
      case ColumnCells::Kind::dictionary:
        for (uint32_t cell = 0; cell < count; ++cell) take(cell, of_known(static_cast<size_t>(cells_->numbers[cell])));
        return {};
      case ColumnCells::Kind::numbers:
        for (uint32_t cell = 0; cell < count; ++cell) {
          TRY_ASSIGN(const Value value, of_number(cell));
          take(cell, value);
        }
        return {};
      case ColumnCells::Kind::texts: break;
    }
    uint32_t row = 0;
    for (uint32_t cell = 0; cell < count; ++cell, ++row) {
      while (!ranks_->has(row)) ++row;
      TRY_ASSIGN(const Value value, at(cell, row));
      take(cell, value);
    }
    return {};
  }

 private:
  CellMap(BlockView& view, ShapeSlot slot, LineForm form, Function* function, const ColumnCells& cells,
          const RowRanks& ranks)
      : view_(&view), slot_(std::move(slot)), form_(form), function_(function), cells_(&cells), ranks_(&ranks) {
    known_.resize(cells.values.size());
    for (uint8_t i = 0; i < cells.scale; ++i) power_ *= 10;
  }

  /// `row` counts only for cells that are told by their text.
  Result<Value> at(uint32_t cell, uint32_t row) {
    switch (cells_->kind) {
      case ColumnCells::Kind::constant: return of_known(0);
      case ColumnCells::Kind::dictionary: return of_known(static_cast<size_t>(cells_->numbers[cell]));
      case ColumnCells::Kind::numbers: return of_number(cell);
      case ColumnCells::Kind::texts: break;
    }
    if constexpr (kKnowsPatterns) {
      if (pattern_ != nullptr) return of_pattern(cell, row);
    }
    return of_text(row);
  }

  Value of_known(size_t index) {
    if (!known_[index]) known_[index] = of_cell(cells_->values[index]);
    return *known_[index];
  }

  Result<Value> of_number(uint32_t cell) {
    const int64_t number = cells_->numbers[cell];
    const bool exact = number >= -kMostExact && number <= kMostExact;
    if (exact && (cells_->exceptions.empty() || !is_exception(cell))) {
      if (const std::optional<Value> value = function_->of_number(static_cast<double>(number) / power_)) return *value;
      std::optional<Value>& value = known_number(number);
      if (!value) {
        TRY_ASSIGN(value, of_text(ranks_->row_of(cell)));
      }
      return *value;
    }
    return of_text(ranks_->row_of(cell));
  }

  /// What is known of the text of a number.  Those that begin near the column's smallest are found by their place.
  std::optional<Value>& known_number(int64_t number) {
    if (near_numbers_.empty()) {
      near_numbers_.resize(kNearNumbers);
      least_number_ = *std::min_element(cells_->numbers.begin(), cells_->numbers.end());
    }
    const uint64_t place = static_cast<uint64_t>(number) - static_cast<uint64_t>(least_number_);
    return place < kNearNumbers ? near_numbers_[place] : far_numbers_[number];
  }

  Result<Value> of_pattern(uint32_t cell, uint32_t row) {
    TRY_ASSIGN(const PatternReader::Number number, pattern_->number_at(cell));
    if (number.pattern >= patterns_.size()) patterns_.resize(number.pattern + 1);
    Pattern& pattern = patterns_[number.pattern];
    if (!number.number) {
      if (!pattern.value) {
        TRY_ASSIGN(pattern.value, of_text(row));
      }
      return *pattern.value;
    }
    const auto digits = static_cast<uint64_t>(*number.number);
    std::optional<std::optional<uint32_t>>& split = pattern.splits[decimal_width(digits)];
    if (!split) {
      TRY_ASSIGN(split, split_of(row, digits));
    }
    return *split ? Result<Value>(function_->of_split({**split, digits})) : of_text(row);
  }

  /// The function's pattern for all cells of this one's pattern and as many digits, if the value has the cell's number
  /// as it is: what surrounds it is then the same in all of them, unless digits are part of an escape.
  Result<std::optional<uint32_t>> split_of(uint32_t row, uint64_t number) {
    TRY_ASSIGN(const std::string_view cell, view_->cell(row, slot_, &scratch_));
    if (cell.find('\\') != std::string_view::npos) return std::optional<uint32_t>();
    const std::optional<std::string_view> text = text_.value(form_, slot_.kind, cell);
    const auto split = function_->split(text ? text : missing_);
    return split && split->number == number ? std::optional(split->pattern) : std::nullopt;
  }

  Result<Value> of_text(uint32_t row) {
    TRY_ASSIGN(const std::string_view cell, view_->cell(row, slot_, &scratch_));
    return of_cell(cell);
  }

  Value of_cell(std::string_view cell) {
    const std::optional<std::string_view> text = text_.value(form_, slot_.kind, cell);
    return function_->of(text ? text : missing_);
  }

  bool is_exception(uint32_t cell) const {
    return std::binary_search(cells_->exceptions.begin(), cells_->exceptions.end(), cell);
  }

  static constexpr bool kKnowsPatterns = requires(Function f) { f.of_split({}); };
  /// Up to here a quotient of two doubles is the double next to the decimal number.
  static constexpr int64_t kMostExact = int64_t{1} << 53;
  static constexpr size_t kNearNumbers = 1024;

  BlockView* view_;
  ShapeSlot slot_;
  LineForm form_;
  Function* function_;
  const ColumnCells* cells_;
  const RowRanks* ranks_;
  /// A pattern of the column, by that of the function (what there is of it).
  struct Pattern {
    std::optional<Value> value;                                                        ///< of the one without a number
    std::array<std::optional<std::optional<uint32_t>>, kMostDecimalWidth + 1> splits;  ///< by the number's digits
  };
  PatternReader* pattern_ = nullptr;  ///< of cells that are told by pattern and number
  std::vector<Pattern> patterns_;
  std::optional<std::string_view> missing_;
  double power_ = 1;                                ///< exact: at most 10^18
  std::vector<std::optional<Value>> known_;         ///< by place in the dictionary
  std::vector<std::optional<Value>> near_numbers_;  ///< from least_number_ on
  std::unordered_map<int64_t, std::optional<Value>> far_numbers_;
  int64_t least_number_ = 0;
  CellText text_;
  std::string scratch_;
};

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
    if (metadata_ && metadata_->ranks().has(row)) return &*metadata_;
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
