// SPDX-License-Identifier: Apache-2.0
#include "storage/block_ids.h"

#include <algorithm>
#include <optional>
#include <string>

#include "storage/base/ascii.h"
#include "storage/block_columns.h"
#include "storage/column_reader.h"
#include "storage/id_cells.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

/// Below it a number has fewer digits than any id.
constexpr int64_t kLongNumber = 1'000'000'000'000'000;

bool may_be_in_id(char c) {
  return is_hex_digit(c) || c == '-';
}

/// What of a line an id could stand in that is partly in a cell: cells with what lies between and around them, as far
/// as it is nothing but hex digits and dashes.
struct Stretch {
  std::vector<std::string> constants;  ///< one more than slots
  std::vector<uint32_t> slots;
  bool is_one_cell() const { return slots.size() == 1 && constants[0].empty() && constants[1].empty(); }
};

std::vector<Stretch> stretches_of(const Shape& shape) {
  std::vector<Stretch> all;
  bool goes_on = false;
  for (uint32_t i = 0; i < shape.slots.size(); ++i) {
    const std::string_view before = shape.constants[i];
    if (!goes_on) {
      const auto begin = std::find_if_not(before.rbegin(), before.rend(), may_be_in_id).base();
      all.push_back({{std::string(begin, before.end())}, {}});
    }
    const std::string_view after = shape.constants[i + 1];
    const auto end = std::find_if_not(after.begin(), after.end(), may_be_in_id);
    all.back().slots.push_back(i);
    all.back().constants.emplace_back(after.begin(), end);
    goes_on = end == after.end();
  }
  return all;
}

class IdScan {
 public:
  IdScan(SealedBlockView& view, std::vector<uint64_t>* ids)
      : view_(view),
        ids_(ids),
        columns_(view.directory().columns),
        shared_(&view.frames(), static_cast<uint32_t>(view.directory().pieces.size() - 1)),
        alone_(columns_.size(), false) {}

  Result<void> scan() {
    TRY(scan_shapes());
    for (uint32_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].type == ColumnType::rendered) TRY(scan_templates(c));
    }
    for (uint32_t c = 0; c < columns_.size(); ++c) {
      const ColumnSource source = columns_[c].source;
      if (source == ColumnSource::packed_metadata) {
        TRY(scan_metadata());
      } else if (alone_[c] || source == ColumnSource::metadata || source == ColumnSource::raw) {
        TRY(scan_column(columns_[c]));
      }
    }
    return {};
  }

 private:
  /// Takes the ids in the constants of a shape and gives its stretches that may hold others, but for those that are one
  /// cell: of these the column is noted.
  Result<std::vector<Stretch>> scan_shape(const Shape& shape);
  Result<void> scan_shapes();
  Result<void> scan_templates(uint32_t column);
  Result<void> scan_rows(const std::vector<std::vector<Stretch>>& joined);
  Result<void> scan_metadata();
  Result<void> scan_column(const ColumnMeta& column);
  Result<void> scan_numbers(const ColumnMeta& column, ColumnReader* reader);
  Result<void> scan_binary(const ColumnMeta& column, ColumnReader* reader);
  Result<void> scan_pattern(const ColumnMeta& column);
  Result<void> scan_exceptions(const ColumnMeta& column, ColumnReader* reader);
  Result<void> scan_cells(const ColumnMeta& column, ColumnReader* reader);
  Result<std::unique_ptr<ColumnReader>> open(const ColumnMeta& column) {
    return ColumnReader::open(column, {&view_.frames(), nullptr, &shared_, nullptr});
  }
  /// The longest text of a cell, as far as the column tells without reading it.
  std::optional<size_t> longest_cell(const ColumnMeta& column) const;
  bool may_hold_id(const Shape& shape, const Stretch& stretch) const;
  Result<void> take(std::string_view text) {
    append_ids(text, ids_);
    return {};
  }

  SealedBlockView& view_;
  std::vector<uint64_t>* ids_;
  const std::vector<ColumnMeta>& columns_;
  TextPiece shared_;
  std::vector<bool> alone_;  ///< by column: its cells are stretches of their own in some shape
  std::string scratch_;
};

std::optional<size_t> IdScan::longest_cell(const ColumnMeta& column) const {
  if (column.type == ColumnType::constant) return column.constant.size();
  if (column.type == ColumnType::hex) return column.digits;
  constexpr double kLimit = 1e15;
  const bool small = column.range && column.range->min > -kLimit && column.range->max < kLimit;
  // Sign, and what exceptions look like: zeros before, a fraction, an exponent.
  if (column.type != ColumnType::integer || !small || (column.flags & kExceptions) != 0) return std::nullopt;
  size_t digits = 1;
  for (double most = std::max(column.range->max, -column.range->min); most >= 10; most /= 10) ++digits;
  return digits + 1;
}

bool IdScan::may_hold_id(const Shape& shape, const Stretch& stretch) const {
  size_t longest = 0;
  for (const std::string& constant : stretch.constants) longest += constant.size();
  for (const uint32_t slot : stretch.slots) {
    const ColumnMeta& column = columns_[shape.slots[slot].column];
    const std::optional<size_t> cell = (column.flags & kExceptions) != 0 ? std::nullopt : longest_cell(column);
    if (!cell) return true;
    longest += *cell;
  }
  return longest >= kLeastIdText;
}

Result<std::vector<Stretch>> IdScan::scan_shape(const Shape& shape) {
  for (const std::string_view constant : shape.constants) TRY(take(constant));
  std::vector<Stretch> joined;
  for (Stretch& stretch : stretches_of(shape)) {
    if (stretch.is_one_cell()) {
      alone_[shape.slots[stretch.slots[0]].column] = true;
    } else if (may_hold_id(shape, stretch)) {
      joined.push_back(std::move(stretch));
    }
  }
  return joined;
}

Result<void> IdScan::scan_shapes() {
  TRY_ASSIGN(const std::span<const Shape> shapes, view_.columns()->shapes());
  std::vector<std::vector<Stretch>> joined(shapes.size() + 1);  // by shape id
  bool any = false;
  for (size_t i = 0; i < shapes.size(); ++i) {
    TRY_ASSIGN(joined[i + 1], scan_shape(shapes[i]));
    any = any || !joined[i + 1].empty();
  }
  return any ? scan_rows(joined) : Result<void>();
}

/// Ids that lie within a cell of another column are found there; when there may be others, all cells are rendered.
Result<void> IdScan::scan_templates(uint32_t column) {
  TRY_ASSIGN(RenderedReader * reader, view_.columns()->rendered(column));
  TRY_ASSIGN(const std::span<const Shape> templates, reader->templates());
  bool any = false;
  for (const Shape& shape : templates) {
    TRY_ASSIGN(const std::vector<Stretch> joined, scan_shape(shape));
    any = any || !joined.empty();
  }
  if (!any) return {};
  TRY_ASSIGN(const RowRanks* ranks, view_.columns()->ranks(column));
  for (uint32_t cell = 0; cell < ranks->count(); ++cell) {
    const uint32_t row = ranks->row_of(cell);
    TRY_ASSIGN(const std::string_view text, view_.cell(row, {column, ShapeSlot::Kind::text, {}}, &scratch_));
    TRY(take(text));
  }
  return {};
}

Result<void> IdScan::scan_rows(const std::vector<std::vector<Stretch>>& joined) {
  TRY_ASSIGN(const std::span<const Shape> shapes, view_.columns()->shapes());
  TRY_ASSIGN(const ShapeRows* rows, view_.columns()->shape_rows());
  std::string text;
  for (uint32_t row = 0; row < view_.row_count(); ++row) {
    const uint32_t id = rows->shape(row);
    for (const Stretch& stretch : joined[id]) {
      text = stretch.constants[0];
      for (size_t i = 0; i < stretch.slots.size(); ++i) {
        TRY_ASSIGN(const std::string_view cell, view_.cell(row, shapes[id - 1].slots[stretch.slots[i]], &scratch_));
        text.append(cell).append(stretch.constants[i + 1]);
      }
      TRY(take(text));
    }
  }
  return {};
}

Result<void> IdScan::scan_metadata() {
  std::vector<MetadataPair> pairs;
  for (uint32_t row = 0; row < view_.row_count(); ++row) {
    pairs.clear();
    TRY(view_.metadata(row, &pairs));
    for (const MetadataPair& pair : pairs) TRY(take(pair.value));
  }
  return {};
}

Result<void> IdScan::scan_column(const ColumnMeta& column) {
  TRY_ASSIGN(const std::unique_ptr<ColumnReader> reader, open(column));
  switch (column.type) {
    case ColumnType::constant: return take(column.constant);
    case ColumnType::dictionary: {
      TRY_ASSIGN(const std::vector<std::string_view>* texts, reader->dictionary());
      for (const std::string_view text : *texts) TRY(take(text));
      return {};
    }
    case ColumnType::integer:
    case ColumnType::decimal: return scan_numbers(column, reader.get());
    case ColumnType::hex:
    case ColumnType::uuid: return scan_binary(column, reader.get());
    // Neither has so many digits in a row.
    case ColumnType::timestamp:
    case ColumnType::ipv4: return scan_exceptions(column, reader.get());
    case ColumnType::pattern: return scan_pattern(column);
    case ColumnType::bytes:
    case ColumnType::shared: return scan_cells(column, reader.get());
    case ColumnType::rendered: break;  // scan_templates()
  }
  return {};
}

Result<void> IdScan::scan_cells(const ColumnMeta& column, ColumnReader* reader) {
  for (uint32_t cell = 0; cell < column.cells; ++cell) {
    TRY_ASSIGN(const std::string_view text, reader->text(cell, 0, &scratch_));
    TRY(take(text));
  }
  return {};
}

Result<void> IdScan::scan_exceptions(const ColumnMeta& column, ColumnReader* reader) {
  if ((column.flags & kExceptions) == 0) return {};
  TRY_ASSIGN(const ColumnCells* cells, reader->cells());
  for (const uint32_t cell : cells->exceptions) {
    TRY_ASSIGN(const std::string_view text, reader->text(cell, 0, &scratch_));
    TRY(take(text));
  }
  return {};
}

Result<void> IdScan::scan_numbers(const ColumnMeta& column, ColumnReader* reader) {
  TRY_ASSIGN(const std::span<const int64_t> numbers, reader->cell_numbers());
  const auto is_long = [](int64_t v) { return v >= kLongNumber || v <= -kLongNumber; };
  const bool any = column.digits >= kLeastIdText || std::any_of(numbers.begin(), numbers.end(), is_long);
  return any ? scan_cells(column, reader) : scan_exceptions(column, reader);
}

Result<void> IdScan::scan_binary(const ColumnMeta& column, ColumnReader* reader) {
  if (column.type == ColumnType::uuid || column.digits == 16 || column.digits == 32) {
    TRY_ASSIGN(std::optional<IdCells> cells, IdCells::of(&view_, column));
    if (!cells) return Error::corrupt("block: a column of ids is malformed");
    TRY_ASSIGN(const ColumnCells* known, reader->cells());
    auto exception = known->exceptions.begin();
    TRY(cells->for_each([&](uint32_t cell, std::string_view id) {
      if (exception != known->exceptions.end() && *exception == cell) {
        ++exception;
        return;
      }
      ids_->push_back(id_hash_of_binary(id) >> (64 - kIdHashBits));
    }));
  }
  return scan_exceptions(column, reader);
}

Result<void> IdScan::scan_pattern(const ColumnMeta& column) {
  PatternReader patterns(&view_.frames(), column.first_piece);
  RowBits cells(column.cells);
  TRY(patterns.find_hex_runs(kLeastIdText, &cells));
  for (uint32_t cell = cells.next(0); cell < cells.rows(); cell = cells.next(cell + 1)) {
    scratch_.clear();
    TRY(patterns.append(cell, &scratch_));
    TRY(take(scratch_));
  }
  return {};
}

}  // namespace

Result<void> collect_block_ids(SealedBlockView& view, std::vector<uint64_t>* ids) {
  return IdScan(view, ids).scan();
}

}  // namespace cordwood
