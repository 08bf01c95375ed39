// SPDX-License-Identifier: Apache-2.0
#include "storage/block_fields.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "storage/base/ascii.h"
#include "storage/column_reader.h"
#include "storage/model/utf8.h"
#include "storage/spilled_block.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

constexpr size_t kMinWordBytes = 2;
constexpr size_t kMaxWordBytes = 40;
constexpr size_t kMaxLinesLookedAt = 4096;

/// Whether the cell, in whatever form its line is, is the value that a query sees.
bool is_plain(std::string_view cell) {
  return cell.find('\\') == std::string_view::npos && !has_replacement_rune(cell);
}

/// Blank constants are followed by a cell, which could be anything.
bool may_begin_as_object(std::string_view start) {
  for (const char c : start)
    if (static_cast<uint8_t>(c) > ' ') return c == '{';
  return true;
}

/// Gathers the different cells of a column, up to a limit.
class ValueSet {
 public:
  explicit ValueSet(const BlockFieldLimits& limits) : limits_(limits) {}
  /// False when the field cannot be listed any more.
  bool add(std::string_view cell) {
    if (seen_any_ && cell == last_) return true;
    if (cell.size() > limits_.value_bytes || !is_plain(cell)) return false;
    last_ = *values_.emplace(cell).first;
    seen_any_ = true;
    return values_.size() <= limits_.values;
  }
  std::vector<std::string> take() {
    std::vector<std::string> all(values_.begin(), values_.end());
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  const BlockFieldLimits& limits_;
  std::unordered_set<std::string> values_;
  std::string_view last_;  ///< into values_
  bool seen_any_ = false;
};

std::optional<ColumnMeta::Range> joined(const std::optional<ColumnMeta::Range>& a,
                                        const std::optional<ColumnMeta::Range>& b) {
  if (!a || !b) return std::nullopt;
  return ColumnMeta::Range{std::min(a->min, b->min), std::max(a->max, b->max)};
}

class FieldReader {
 public:
  FieldReader(const SpilledBlock& block, const BlockFieldLimits& limits) : block_(block), limits_(limits) {}
  Result<BlockFields> read();

 private:
  using FieldKey = std::pair<ColumnSource, std::vector<std::string>>;
  Result<void> read_columns();
  Result<bool> list_values(const ColumnMeta& column, ValueSet* values);
  Result<void> read_patterns(const ColumnMeta& column);
  Result<void> read_shapes();
  void take_shape(const Shape& shape);
  Result<bool> has_json_elsewhere();
  Result<bool> has_logfmt_elsewhere();
  void add_words(std::string_view text);
  const BlockDirectory& directory() const { return view_->directory(); }

  const SpilledBlock& block_;
  const BlockFieldLimits& limits_;
  ReadStats stats_;
  std::unique_ptr<SealedBlockView> view_;
  BlockFields out_;
  std::unordered_set<std::string> words_;
  std::unordered_set<const Shape*> doubtful_;  ///< their lines may begin as objects do
};

Result<BlockFields> FieldReader::read() {
  TRY_ASSIGN(view_, open_spilled(block_, &stats_));
  size_t path_bytes = 0;
  for (const ColumnMeta& column : directory().columns)
    for (const std::string& key : column.path) path_bytes += key.size();
  if (directory().columns.size() > limits_.fields || path_bytes > limits_.path_bytes) return std::move(out_);
  TRY(read_shapes());
  TRY(read_columns());
  out_.described = true;
  return std::move(out_);
}

Result<void> FieldReader::read_columns() {
  std::map<FieldKey, ValueSet> open;
  std::set<FieldKey> unlisted;
  std::map<FieldKey, std::optional<ColumnMeta::Range>> ranges;
  for (const ColumnMeta& column : directory().columns) {
    if (column.type == ColumnType::pattern) TRY(read_patterns(column));
    if (column.source == ColumnSource::packed_metadata) out_.packed_metadata = true;
    if (column.source != ColumnSource::metadata && column.source != ColumnSource::json &&
        column.source != ColumnSource::logfmt) {
      continue;
    }
    const FieldKey key{column.source, column.path};
    const auto [range, first] = ranges.try_emplace(key, column.range);
    if (!first) range->second = joined(range->second, column.range);
    ValueSet& values = open.try_emplace(key, limits_).first->second;
    if (unlisted.contains(key)) continue;
    TRY_ASSIGN(const bool listed, list_values(column, &values));
    if (!listed) unlisted.insert(key);
  }
  for (auto& [key, values] : open) {
    BlockField& field = out_.fields.emplace_back();
    field.source = key.first;
    field.path = key.second;
    field.listed = !unlisted.contains(key);
    field.range = ranges.at(key);
    if (field.listed) field.values = values.take();
  }
  return {};
}

/// False as soon as there is a cell that cannot be listed.
Result<bool> FieldReader::list_values(const ColumnMeta& column, ValueSet* values) {
  switch (column.type) {
    case ColumnType::constant: return values->add(column.constant);
    case ColumnType::dictionary:
    case ColumnType::integer:
    case ColumnType::decimal:
    case ColumnType::ipv4:
    case ColumnType::bytes:
    case ColumnType::shared: break;
    default: return false;  // ids, times and texts with numbers have too many
  }
  if (column.type == ColumnType::dictionary && column.distinct > limits_.values) return false;
  TextPiece shared(&view_->frames(), static_cast<uint32_t>(directory().pieces.size() - 1));
  TRY_ASSIGN(const auto reader, ColumnReader::open(column, {&view_->frames(), nullptr, &shared, nullptr}));
  TRY_ASSIGN(const std::vector<std::string_view>* dictionary, reader->dictionary());
  for (const std::string_view text : *dictionary)
    if (!values->add(text)) return false;
  if (column.type == ColumnType::dictionary) return true;
  std::string scratch;
  for (uint32_t cell = 0; cell < column.cells; ++cell) {
    TRY_ASSIGN(const std::string_view text, reader->text(cell, 0, &scratch));
    if (!values->add(text)) return false;
  }
  return true;
}

/// Words of the patterns that a column's texts share.
Result<void> FieldReader::read_patterns(const ColumnMeta& column) {
  TextPiece patterns(&view_->frames(), column.first_piece);
  for (uint32_t i = 0; i < patterns.rows() && words_.size() < limits_.words; ++i) {
    TRY_ASSIGN(const std::string_view text, patterns.get(i));
    add_words(text);
  }
  return {};
}

Result<void> FieldReader::read_shapes() {
  const auto rows_of = [this](LineForm form) { return directory().form_rows[static_cast<size_t>(form)]; };
  out_.logfmt_elsewhere = rows_of(LineForm::json) > 0;
  if (rows_of(LineForm::raw) + rows_of(LineForm::logfmt) + rows_of(LineForm::text) == 0) return {};
  std::unordered_set<const Shape*> seen;
  const Shape* last = nullptr;
  for (uint32_t row = 0; row < view_->row_count(); ++row) {
    TRY_ASSIGN(const Shape* shape, view_->shape(row));
    if (shape == last || shape == nullptr) continue;
    last = shape;
    if (seen.insert(shape).second) take_shape(*shape);
  }
  TRY_ASSIGN(out_.json_elsewhere, has_json_elsewhere());
  if (out_.logfmt_elsewhere) return {};
  TRY_ASSIGN(out_.logfmt_elsewhere, has_logfmt_elsewhere());
  return {};
}

void FieldReader::take_shape(const Shape& shape) {
  if (shape.form == LineForm::json) return;
  if (may_begin_as_object(shape.constants.front())) doubtful_.insert(&shape);
  if (shape.form == LineForm::logfmt) {
    // Such lines are read as text by queries.
    const auto escaped = [](std::string_view constant) { return constant.find('\\') != std::string_view::npos; };
    if (std::any_of(shape.constants.begin(), shape.constants.end(), escaped)) out_.logfmt_elsewhere = true;
    return;
  }
  for (const std::string_view constant : shape.constants) add_words(constant);
}

/// Lines not kept as json that may begin as an object does.
Result<bool> FieldReader::has_json_elsewhere() {
  if (doubtful_.empty() && directory().form_rows[static_cast<size_t>(LineForm::raw)] == 0) return false;
  TRY_ASSIGN(const RowBits rows, view_->rows_with_text("{", TextPlace::line));
  std::string scratch;
  size_t looked_at = 0;
  for (uint32_t row = rows.next(0); row < rows.rows(); row = rows.next(row + 1)) {
    TRY_ASSIGN(const Shape* shape, view_->shape(row));
    if (shape != nullptr && !doubtful_.contains(shape)) continue;
    if (++looked_at > kMaxLinesLookedAt) return true;
    TRY_ASSIGN(const std::string_view line, view_->line(row, &scratch));
    if (may_begin_as_object(line)) return true;
  }
  return false;
}

/// Lines not kept as logfmt that may hold key=value.
Result<bool> FieldReader::has_logfmt_elsewhere() {
  if (directory().form_rows[static_cast<size_t>(LineForm::logfmt)] == view_->row_count()) return false;
  TRY_ASSIGN(const RowBits rows, view_->rows_with_text("=", TextPlace::line));
  for (uint32_t row = rows.next(0); row < rows.rows(); row = rows.next(row + 1)) {
    TRY_ASSIGN(const Shape* shape, view_->shape(row));
    if (shape == nullptr || shape->form != LineForm::logfmt) return true;
  }
  return false;
}

void FieldReader::add_words(std::string_view text) {
  for (size_t at = 0; at < text.size() && out_.words.size() < limits_.words;) {
    if (!is_token_char(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && is_token_char(text[at])) ++at;
    std::string word(text.substr(begin, at - begin));
    if (word.size() < kMinWordBytes || word.size() > kMaxWordBytes || !is_valid_utf8(word)) continue;
    if (std::all_of(word.begin(), word.end(), is_digit)) continue;
    for (char& c : word) c = fold_byte(c);
    if (words_.insert(word).second) out_.words.push_back(std::move(word));
  }
}

}  // namespace

Result<BlockFields> read_block_fields(const SpilledBlock& block, const BlockFieldLimits& limits) {
  return FieldReader(block, limits).read();
}

}  // namespace cordwood
