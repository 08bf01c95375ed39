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
#include "storage/base/decimal_width.h"
#include "storage/block_columns.h"
#include "storage/column_pattern.h"

namespace cordwood::query {

/// Values of numbers: of those from least to most, and of all others.
template <typename Value>
struct NumberSplit {
  double least = 0;
  double most = 0;
  Value inside;
  Value outside;
};

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
    CellMap out(view, std::move(slot), form, function, *cells);
    if (always_set) out.missing_ = std::string_view();
    if constexpr (kKnowsPatterns) {
      TRY_ASSIGN(PatternReader * pattern, view.columns()->pattern(out.slot_.column));
      if (pattern == nullptr) return out;
      TRY_ASSIGN(const bool one_number, pattern->has_one_number());
      if (one_number) out.pattern_ = pattern;
    }
    return out;
  }
  /// Which rows have a cell.
  Result<const RowRanks*> ranks() {
    if (ranks_ == nullptr) {
      TRY_ASSIGN(ranks_, view_->columns()->ranks(slot_.column));
    }
    return ranks_;
  }
  /// Once ranks() were asked for.
  bool has(uint32_t row) const { return ranks_->has(row); }
  const ShapeSlot& slot() const { return slot_; }
  uint32_t cells() const { return cells_->count; }

  /// Of rows that have the cell; `out` has as many.
  Result<void> read(std::span<const uint32_t> rows, Value* out) {
    TRY(prepare());
    switch (cells_->kind) {
      case ColumnCells::Kind::constant: std::fill_n(out, rows.size(), of_known(0)); return {};
      case ColumnCells::Kind::dictionary:
        for (const uint32_t row : rows) *out++ = of_known(ids_[ranks_->rank(row)]);
        return {};
      case ColumnCells::Kind::numbers:
      case ColumnCells::Kind::texts: break;
    }
    for (const uint32_t row : rows) {
      TRY_ASSIGN(*out++, at(ranks_->rank(row), row));
    }
    return {};
  }

  /// Sets the cells whose value passes the first test, and those that pass both.  The texts of dictionaries are asked
  /// once, and numbers on both sides of a split, if the function has one:
  ///   optional<NumberSplit<Value>> split_numbers()
  template <typename Test, typename Closer>
  Result<void> find(Test&& test, Closer&& closer, RowBits* found, RowBits* found_closer) {
    const auto split = cells_->kind == ColumnCells::Kind::numbers && cells_->most < kMostExact / 2
                           ? function_->split_numbers()
                           : std::nullopt;
    if (split || cells_->kind == ColumnCells::Kind::constant || cells_->kind == ColumnCells::Kind::dictionary) {
      TRY(find_at_once(test, split, found));
      return found->none() ? Result<void>() : find_at_once(closer, split, found_closer);
    }
    TRY(prepare());
    uint32_t row = 0;
    for (uint32_t cell = 0; cell < cells_->count; ++cell, ++row) {
      while (!ranks_->has(row)) ++row;
      TRY_ASSIGN(const Value value, at(cell, row));
      if (!test(value)) continue;
      found->set(cell);
      if (closer(value)) found_closer->set(cell);
    }
    return {};
  }

 private:
  CellMap(BlockView& view, ShapeSlot slot, LineForm form, Function* function, const ColumnCells& cells)
      : view_(&view), slot_(std::move(slot)), form_(form), function_(function), cells_(&cells) {
    known_.resize(cells.values.size());
    for (uint8_t i = 0; i < cells.scale; ++i) power_ *= 10;
  }

  /// Loads what the cells of single rows are read from.
  Result<void> prepare() {
    if (ranks_ != nullptr && prepared_) return {};
    TRY(ranks());
    if (cells_->kind == ColumnCells::Kind::dictionary) {
      TRY_ASSIGN(ids_, view_->columns()->cell_ids(slot_.column));
    } else if (cells_->kind == ColumnCells::Kind::numbers) {
      TRY_ASSIGN(numbers_, view_->columns()->cell_numbers(slot_.column));
    }
    prepared_ = true;
    return {};
  }

  /// The first number that is not less than `least`, or greater than it if `behind`.
  int64_t first_number(double least, bool behind) const {
    int64_t low = -kMostExact, high = kMostExact;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      const double value = static_cast<double>(middle) / power_;
      if (behind ? value > least : value >= least) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  template <typename Test>
  Result<void> find_at_once(Test& test, const std::optional<NumberSplit<Value>>& split, RowBits* found) {
    if (split) return find_numbers(*split, test, found);
    if (cells_->kind == ColumnCells::Kind::constant) {
      if (test(of_known(0))) found->set_all();
      return {};
    }
    std::vector<uint8_t> wanted(known_.size());
    for (size_t id = 0; id < wanted.size(); ++id) wanted[id] = test(of_known(id)) ? 1 : 0;
    if (std::find(wanted.begin(), wanted.end(), 1) == wanted.end()) return {};
    return view_->columns()->find_ids(slot_.column, wanted, found);
  }

  template <typename Test>
  Result<void> find_numbers(const NumberSplit<Value>& split, Test& test, RowBits* found) {
    const bool inside = test(split.inside), outside = test(split.outside);
    const int64_t least = first_number(split.least, false), most = first_number(split.most, true) - 1;
    if (inside != outside && least <= most) {
      TRY(view_->columns()->find_numbers(slot_.column, least, most, outside, found));
    } else if (outside) {
      found->set_all();
    }
    for (const uint32_t cell : cells_->exceptions) {
      TRY(ranks());
      TRY_ASSIGN(const Value value, of_text(ranks_->row_of(cell)));
      test(value) ? found->set(cell) : found->clear(cell);
    }
    return {};
  }

  /// `row` counts only for cells that are told by their text.
  Result<Value> at(uint32_t cell, uint32_t row) {
    switch (cells_->kind) {
      case ColumnCells::Kind::constant: return of_known(0);
      case ColumnCells::Kind::dictionary: return of_known(ids_[cell]);
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
    const int64_t number = numbers_[cell];
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
      least_number_ = *std::min_element(numbers_.begin(), numbers_.end());
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
  const RowRanks* ranks_ = nullptr;  ///< null until asked for
  bool prepared_ = false;            ///< the next two, as the column has them
  std::span<const uint32_t> ids_;
  std::span<const int64_t> numbers_;
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

}  // namespace cordwood::query
