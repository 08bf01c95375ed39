// SPDX-License-Identifier: Apache-2.0
#include "storage/needle_search.h"

#include <algorithm>
#include <functional>
#include <map>

#include "storage/base/fold_text.h"

namespace cordwood {

namespace {

using TestKind = CellTest::Kind;

/// More ways than this to lay the needle over one shape: its rows are rendered.
constexpr size_t kMaxAlignmentsOfShape = 256;
/// Steps spent on one shape; beyond them likewise.
constexpr size_t kMaxStepsOfShape = 1u << 16;
/// Different conditions on cells in a block; beyond them likewise.
constexpr size_t kMaxConditions = 1024;

struct Condition {
  uint32_t column = 0;
  CellTest test;
  auto operator<=>(const Condition&) const = default;
};
/// Conditions that together put the needle across an edge of a cell.
using Alignment = std::vector<Condition>;

/// Finds all ways in which the needle can lie across edges between constants and cells of one shape.
class ShapeLayout {
 public:
  ShapeLayout(const Shape& shape, TextNeedle needle) : shape_(shape), needle_(needle.text), folded_(needle.folded) {
    for (const std::string_view constant : shape.constants) {
      odd_ = odd_ || (folded_ && holds_odd_fold(constant));
      std::string& own = folded_constants_.emplace_back();
      if (folded_) fold_text(constant, &own);
    }
  }

  /// False when there are too many.
  bool find(std::vector<Alignment>* out) {
    out_ = out;
    gave_up_ = odd_;
    for (size_t i = 0; i < shape_.slots.size() && !gave_up_; ++i) {
      start_in_constant(i);
      start_in_cell(i);
    }
    return !gave_up_;
  }

 private:
  std::string_view constant_of(size_t i) const { return folded_ ? folded_constants_[i] : shape_.constants[i]; }
  void start_in_constant(size_t i) {
    const std::string_view constant = constant_of(i);
    for (size_t size = std::min(constant.size(), needle_.size() - 1); size > 0; --size) {
      if (constant.ends_with(needle_.substr(0, size))) from_cell(i, needle_.substr(size));
    }
  }
  /// Whether the needle can go on with this byte behind cell i; nearly always it cannot.
  bool may_follow(size_t i, char next) const {
    const std::string_view constant = constant_of(i + 1);
    return constant.empty() || constant[0] == next;
  }
  void start_in_cell(size_t i) {
    for (size_t size = 1; size < needle_.size(); ++size) {
      if (may_follow(i, needle_[size]))
        with(i, {TestKind::ends, needle_.substr(0, size), folded_}, needle_.substr(size));
    }
  }
  /// `rest`, not empty, is to begin where cell i does.
  void from_cell(size_t i, std::string_view rest) {
    path_.push_back({shape_.slots[i].column, {TestKind::begins, rest, folded_}});
    emit();
    path_.pop_back();
    for (size_t size = 0; size < rest.size() && !gave_up_; ++size) {
      if (may_follow(i, rest[size])) with(i, {TestKind::equals, rest.substr(0, size), folded_}, rest.substr(size));
    }
  }
  /// Cell i passes the test and `rest`, not empty, follows behind it.
  void with(size_t i, CellTest test, std::string_view rest) {
    const std::string_view constant = constant_of(i + 1);
    if (++steps_ > kMaxStepsOfShape) gave_up_ = true;
    if (gave_up_) return;
    const size_t same = std::min(constant.size(), rest.size());
    if (constant.substr(0, same) != rest.substr(0, same)) return;
    path_.push_back({shape_.slots[i].column, test});
    if (rest.size() <= constant.size()) {
      emit();
    } else if (i + 1 < shape_.slots.size()) {
      from_cell(i + 1, rest.substr(constant.size()));
    }
    path_.pop_back();
  }
  void emit() {
    if (out_->size() == kMaxAlignmentsOfShape) gave_up_ = true;
    if (!gave_up_) out_->push_back(path_);
  }

  const Shape& shape_;
  std::string_view needle_;
  bool folded_;
  bool odd_ = false;  ///< a constant does not show all that it matches
  std::vector<std::string> folded_constants_;
  std::vector<Alignment>* out_ = nullptr;
  Alignment path_;
  size_t steps_ = 0;
  bool gave_up_ = false;
};

/// Texts of a block, at most one a row, that are made of constants and cells.
struct ShapedTexts {
  std::span<const Shape> shapes;
  uint32_t rows = 0;
  bool all_cells = false;  ///< whether a row's text has every cell of the row in a column that shapes name
  /// By row: 1 + index into shapes; 0: it has no such text.
  std::function<Result<std::span<const uint32_t>>()> shape_ids;
  std::function<Result<std::string_view>(uint32_t row, std::string* scratch)> text;
};

class TextSearch {
 public:
  TextSearch(const ShapedTexts& texts, SearchedBlock& block, TextNeedle needle)
      : texts_(texts), block_(block), needle_(needle), found_(texts.rows) {}
  /// Has run() note where the needle stands.
  void note(TextHits* hits) { hits_ = hits; }

  /// The rows whose text holds the needle, and those with a cell of the raw column that does.
  Result<RowBits> run(uint32_t raw_column) {
    verdicts_.assign(texts_.shapes.size() + 1, Verdict::cells);
    for (uint32_t id = 1; id <= texts_.shapes.size(); ++id) lay_over(texts_.shapes[id - 1], id);
    if (raw_column != UINT32_MAX) TRY(find_in_column(raw_column, true, {}));
    for (const auto& [column, ids] : columns_) TRY(find_in_column(column, false, ids));
    for (const auto& [alignment, ids] : alignments_) TRY(add_rows(alignment, ids));
    if (any_verdict_) TRY(add_shapes());
    return std::move(found_);
  }

 private:
  /// `shapes` are those that have the column.
  Result<void> find_in_column(uint32_t column, bool raw, const std::vector<uint32_t>& shapes) {
    if (hits_ == nullptr && texts_.all_cells) return find_rows(block_, column, contains(needle_), &found_);
    RowBits rows(texts_.rows);
    TRY(find_rows(block_, column, contains(needle_), &rows));
    if (rows.none()) return {};
    if (!texts_.all_cells) TRY(keep_rows_of(shapes, &rows));
    found_.add(rows);
    if (hits_ == nullptr) return {};
    raw ? hits_->others.add(rows) : note_rows({column, 0, 0, std::move(rows)});
    return {};
  }

  void note_rows(TextHits::Column hit) {
    const auto same = std::find_if(hits_->columns.begin(), hits_->columns.end(),
                                   [&hit](const TextHits::Column& known) { return known.column == hit.column; });
    if (same == hits_->columns.end()) {
      hits_->columns.push_back(std::move(hit));
      return;
    }
    same->rows.add(hit.rows);
    same->before = std::max(same->before, hit.before);
    same->behind = std::max(same->behind, hit.behind);
  }

  /// What of the needle lies outside of the cell that the first condition asks.
  TextHits::Column place_of(const Alignment& alignment) const {
    const size_t outside = needle_.text.size() - (alignment.size() == 1 ? alignment[0].test.text.size() : 0);
    const bool before = alignment.size() > 1 || alignment[0].test.kind != TestKind::ends;
    const bool behind = alignment.size() > 1 || alignment[0].test.kind != TestKind::begins;
    return {alignment[0].column, before ? outside : 0, behind ? outside : 0, RowBits(texts_.rows)};
  }

  enum class Verdict : uint8_t {
    cells,     ///< what is found in cells is all
    constant,  ///< every row holds the needle
    render,    ///< rows are to be looked at one by one
  };

  void lay_over(const Shape& shape, uint32_t id) {
    const bool everywhere = std::any_of(shape.constants.begin(), shape.constants.end(),
                                        [&](std::string_view c) { return contains(needle_).matches(c); });
    if (everywhere) {
      verdicts_[id] = Verdict::constant;
      any_verdict_ = true;
      return;
    }
    for (const ShapeSlot& slot : shape.slots) {
      std::vector<uint32_t>& ids = columns_[slot.column];
      if (ids.empty() || ids.back() != id) ids.push_back(id);
    }
    ways_.clear();
    if (conditions_ >= kMaxConditions || !ShapeLayout(shape, needle_).find(&ways_)) {
      verdicts_[id] = Verdict::render;
      any_verdict_ = true;
      return;
    }
    for (Alignment& way : ways_) {
      const size_t size = way.size();
      const auto [at, fresh] = alignments_.try_emplace(std::move(way));
      if (fresh) conditions_ += size;
      at->second.push_back(id);
    }
  }

  Result<const RowBits*> rows_of(const Condition& condition) {
    const auto known = rows_.find(condition);
    if (known != rows_.end()) return &known->second;
    RowBits rows(texts_.rows);
    TRY(find_rows(block_, condition.column, condition.test, &rows));
    return &rows_.emplace(condition, std::move(rows)).first->second;
  }

  Result<void> keep_rows_of(const std::vector<uint32_t>& shapes, RowBits* rows) {
    TRY_ASSIGN(const std::span<const uint32_t> shape_ids, texts_.shape_ids());
    std::vector<bool> wanted(verdicts_.size(), false);
    for (const uint32_t id : shapes) wanted[id] = true;
    for (uint32_t row = rows->next(0); row < rows->rows(); row = rows->next(row + 1)) {
      if (!wanted[shape_ids[row]]) rows->clear(row);
    }
    return {};
  }

  Result<void> add_rows(const Alignment& alignment, const std::vector<uint32_t>& shapes) {
    TRY_ASSIGN(const RowBits* first, rows_of(alignment[0]));
    if (first->none()) return {};
    RowBits rows = *first;
    for (size_t i = 1; i < alignment.size(); ++i) {
      TRY_ASSIGN(const RowBits* more, rows_of(alignment[i]));
      rows.keep(*more);
      if (rows.none()) return {};
    }
    TRY(keep_rows_of(shapes, &rows));
    found_.add(rows);
    if (hits_ == nullptr || rows.none()) return {};
    TextHits::Column hit = place_of(alignment);
    hit.rows = std::move(rows);
    note_rows(std::move(hit));
    return {};
  }

  Result<void> add_shapes() {
    TRY_ASSIGN(const std::span<const uint32_t> shape_ids, texts_.shape_ids());
    std::string scratch;
    for (uint32_t row = 0; row < found_.rows(); ++row) {
      const Verdict verdict = verdicts_[shape_ids[row]];
      if (verdict == Verdict::cells) continue;
      if (hits_ != nullptr) hits_->others.set(row);
      if (found_.test(row)) continue;
      if (verdict == Verdict::render) {
        TRY_ASSIGN(const std::string_view text, texts_.text(row, &scratch));
        if (!contains(needle_).matches(text)) continue;
      }
      found_.set(row);
    }
    return {};
  }

  const ShapedTexts& texts_;
  SearchedBlock& block_;
  TextNeedle needle_;
  RowBits found_;
  std::vector<Verdict> verdicts_;  ///< by shape id
  bool any_verdict_ = false;       ///< other than cells
  std::map<uint32_t, std::vector<uint32_t>>
      columns_;  ///< whose cells may hold all of the needle: shapes that have them
  std::map<Alignment, std::vector<uint32_t>> alignments_;
  size_t conditions_ = 0;
  std::map<Condition, RowBits> rows_;
  std::vector<Alignment> ways_;
  TextHits* hits_ = nullptr;  ///< null: not asked for
};

RowBits all_rows(uint32_t rows) {
  RowBits bits(rows);
  bits.set_all();
  return bits;
}

Result<ShapedTexts> lines_of(BlockView& view, SearchedBlock& block) {
  ShapedTexts lines;
  TRY_ASSIGN(lines.shapes, block.shapes());
  lines.rows = view.row_count();
  lines.all_cells = true;
  lines.shape_ids = [&block]() -> Result<std::span<const uint32_t>> {
    TRY_ASSIGN(const ShapeRows* rows, block.shape_rows());
    return rows->ids();
  };
  lines.text = [&view](uint32_t row, std::string* scratch) { return view.line(row, scratch); };
  return lines;
}

/// The cells of a rendered column.
class RenderedSearch {
 public:
  RenderedSearch(SearchedBlock& block, ColumnReader* reader, const RowRanks* ranks, uint32_t rows)
      : block_(block), reader_(reader), ranks_(ranks), shape_ids_(rows, 0) {}

  Result<void> find(const CellTest& test, RowBits* rows) {
    TRY_ASSIGN(const std::span<const Shape> templates, reader_->rendered()->templates());
    TRY_ASSIGN(const std::vector<uint32_t> ids, reader_->rendered()->template_ids());
    for (uint32_t cell = 0, row = 0; cell < ids.size(); ++row) {
      if (ranks_->has(row)) shape_ids_[row] = 1 + ids[cell++];
    }
    if (test.kind != TestKind::contains || test.text.empty()) return find_by_text(templates, test, rows);
    ShapedTexts cells;
    cells.shapes = templates;
    cells.rows = static_cast<uint32_t>(shape_ids_.size());
    cells.shape_ids = [this]() -> Result<std::span<const uint32_t>> { return std::span<const uint32_t>(shape_ids_); };
    cells.text = [this](uint32_t row, std::string* scratch) { return text(row, scratch); };
    TRY_ASSIGN(const RowBits found, TextSearch(cells, block_, {test.text, test.folded}).run(UINT32_MAX));
    rows->add(found);
    return {};
  }

 private:
  Result<std::string_view> text(uint32_t row, std::string* scratch) {
    return reader_->text(ranks_->rank(row), row, scratch);
  }
  /// Whether a template alone says that its cells do not pass.
  static bool rules_out(const Shape& shape, const CellTest& test) {
    if (test.folded || shape.slots.empty()) return false;
    const std::string_view first = shape.constants.front(), last = shape.constants.back();
    const bool begins = first.starts_with(test.text.substr(0, first.size()));
    const bool ends = last.ends_with(test.text.substr(test.text.size() - std::min(last.size(), test.text.size())));
    switch (test.kind) {
      case TestKind::equals: return !begins || !ends || first.size() + last.size() > test.text.size();
      case TestKind::begins: return !begins;
      case TestKind::ends: return !ends;
      case TestKind::contains: break;
    }
    return false;
  }
  Result<void> find_by_text(std::span<const Shape> templates, const CellTest& test, RowBits* rows) {
    std::vector<uint8_t> open(templates.size() + 1, 0);
    for (size_t i = 0; i < templates.size(); ++i) open[i + 1] = rules_out(templates[i], test) ? 0 : 1;
    std::string scratch;
    for (uint32_t row = 0; row < shape_ids_.size(); ++row) {
      if (open[shape_ids_[row]] == 0) continue;
      TRY_ASSIGN(const std::string_view cell, text(row, &scratch));
      if (test.matches(cell)) rows->set(row);
    }
    return {};
  }

  SearchedBlock& block_;
  ColumnReader* reader_;
  const RowRanks* ranks_;
  std::vector<uint32_t> shape_ids_;  ///< by row: 1 + the template; 0: it has no cell
};

}  // namespace

Result<void> find_rows(SearchedBlock& block, uint32_t column, const CellTest& test, RowBits* rows) {
  TRY_ASSIGN(ColumnReader * reader, block.reader(column));
  if (reader->rendered() != nullptr) {
    TRY_ASSIGN(const RowRanks* with_cell, block.ranks(column));
    return RenderedSearch(block, reader, with_cell, rows->rows()).find(test, rows);
  }
  TRY_ASSIGN(const bool possible, reader->may_match(test));
  if (!possible) return {};
  const RowRanks* ranks = nullptr;
  if (reader->needs_ranks()) {
    TRY_ASSIGN(ranks, block.ranks(column));
  }
  RowBits cells(reader->meta().cells);
  TRY(reader->find(test, ranks, &cells));
  if (cells.none()) return {};
  TRY_ASSIGN(ranks, block.ranks(column));
  ranks->to_rows(cells, rows);
  return {};
}

Result<RowBits> search_lines(BlockView& view, SearchedBlock& block, uint32_t raw_column, TextNeedle needle) {
  if (needle.text.empty()) return all_rows(view.row_count());
  TRY_ASSIGN(const ShapedTexts lines, lines_of(view, block));
  return TextSearch(lines, block, needle).run(raw_column);
}

Result<TextHits> search_lines_by_column(BlockView& view, SearchedBlock& block, uint32_t raw_column, TextNeedle needle) {
  TextHits hits{{}, RowBits(view.row_count())};
  TRY_ASSIGN(const ShapedTexts lines, lines_of(view, block));
  TextSearch search(lines, block, needle);
  search.note(&hits);
  TRY_ASSIGN(const RowBits found, search.run(raw_column));
  hits.others.keep(found);
  return hits;
}

Result<RowBits> search_metadata(BlockView& view, SearchedBlock& block, std::span<const uint32_t> columns,
                                uint32_t packed_column, TextNeedle needle) {
  const CellTest test = contains(needle);
  RowBits found(view.row_count());
  for (const uint32_t column : columns) TRY(find_rows(block, column, test, &found));
  if (packed_column == UINT32_MAX) return found;
  RowBits packed(view.row_count());
  TRY(find_rows(block, packed_column, test, &packed));
  std::vector<MetadataPair> pairs;
  for (uint32_t row = packed.next(0); row < packed.rows(); row = packed.next(row + 1)) {
    pairs.clear();
    TRY(view.metadata(row, &pairs));
    const bool holds =
        std::any_of(pairs.begin(), pairs.end(), [&](const MetadataPair& p) { return test.matches(p.value); });
    if (holds) found.set(row);
  }
  return found;
}

}  // namespace cordwood
