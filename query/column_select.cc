// SPDX-License-Identifier: Apache-2.0
#include "query/column_select.h"

#include <algorithm>

#include "query/label_cells.h"

namespace cordwood::query {

namespace {

/// With fewer rows left than this part of a block, the rest is cheaper row by row.
constexpr uint32_t kFewRows = 32;
/// A block of streams with ever other label names is read row by row after so many.
constexpr size_t kMostSets = 4;

/// Sets the rows for whose shape `take` is 1.
void add_rows(const ShapeRows& shapes, const std::vector<uint8_t>& take, RowBits* rows) {
  bool any = false, all = true;
  for (uint32_t id = 0; id < take.size(); ++id) {
    if (!shapes.used(id)) continue;
    any = any || take[id] != 0;
    all = all && take[id] != 0;
  }
  if (any && all) rows->set_all();
  if (any && !all) add_rows_of_shapes(shapes.ids(), take, rows);
}

/// The same of the rows in `kept`; others are set or not.
void add_kept_rows(const ShapeRows& shapes, const std::vector<uint8_t>& take, const RowBits& kept, RowBits* rows) {
  constexpr uint32_t kSome = 16;
  if (kept.count() > kept.rows() / kSome) return add_rows(shapes, take, rows);
  for (uint32_t row = kept.next(0); row < kept.rows(); row = kept.next(row + 1)) {
    if (take[shapes.shape(row)] != 0) rows->set(row);
  }
}

/// Whether a row has a cell of the column though its shape has it not as the field.
template <typename Cells>
Result<bool> has_other_cells(BlockView& view, const Cells& cells, size_t field, uint32_t column) {
  TRY_ASSIGN(const ShapeRows* shape_rows, view.columns()->shape_rows());
  TRY_ASSIGN(const std::span<const Shape> shapes, view.columns()->shapes());
  for (uint32_t id = 1; id <= shapes.size(); ++id) {
    if (!shape_rows->used(id) || cells.has_field(id, field)) continue;
    for (const ShapeSlot& slot : shapes[id - 1].slots)
      if (slot.column == column) return true;
  }
  return false;
}

void collect_leaves(const LabelFilter& filter, std::vector<const LabelFilter*>* out) {
  if (const auto* both = std::get_if<AndLabelFilter>(&filter.node)) {
    collect_leaves(*both->left, out);
    collect_leaves(*both->right, out);
  } else {
    out->push_back(&filter);
  }
}

/// The one name that a predicate asks for, or null.
const std::string* only_name(const std::vector<std::string>& names) {
  const auto same = [&names](const std::string& name) { return name == names[0]; };
  return !names.empty() && std::all_of(names.begin(), names.end(), same) ? &names[0] : nullptr;
}

/// Labels of which rows have more to say than fields and metadata.
bool has_own_rules(std::string_view name) {
  return name == kErrorLabel || name == kErrorDetailsLabel || name == kPreserveErrorLabel ||
         name.ends_with(kExtractedSuffix);
}

}  // namespace

/// Asks a predicate about a row that has nothing but one label.
class ColumnSelect::Judge {
 public:
  using Value = Outcome;
  Judge(const LabelPredicate* predicate, std::string_view name) : predicate_(predicate), name_(name) {}

  Outcome of(std::optional<std::string_view> value) { return ask(value, {}); }
  Outcome of_error(std::string_view error) { return ask(std::nullopt, error); }
  std::optional<Outcome> of_number(double value) {
    const std::optional<bool> matches = predicate_->matches_number(value);
    if (!matches) return std::nullopt;
    return *matches ? Outcome::pass : Outcome::drop;
  }
  std::optional<NumberSplit<Outcome>> split_numbers() {
    const std::optional<NumberRange> range = predicate_->range();
    if (!range) return std::nullopt;
    const auto outcome = [&](bool outside) { return range->outside == outside ? Outcome::pass : Outcome::drop; };
    return NumberSplit<Outcome>{range->least, range->most, outcome(false), outcome(true)};
  }

 private:
  Outcome ask(std::optional<std::string_view> value, std::string_view error) {
    row_.begin(nullptr, 0, &stream_, 0);
    if (value) row_.labels.set_parsed(name_, *value);
    row_.labels.set_error(error);
    if (!predicate_->matches(row_)) return Outcome::drop;
    return row_.labels.error() == error ? Outcome::pass : Outcome::open;
  }

  const LabelPredicate* predicate_;
  std::string_view name_;
  Stream stream_;
  PipelineRow row_;
};

/// The rows that one condition lets pass.
struct ColumnSelect::PassingRows {
  PassingRows(uint32_t rows, const ShapeRows& shape_rows) : shapes(shape_rows), pass(rows), open(rows) {}

  /// Asks all cells of a column; those of rows outside `only` do not count.
  Result<void> add(CellMap<Judge>* map, const RowBits* only) {
    RowBits pass_cells(map->cells()), open_cells(map->cells());
    TRY(map->find([](Outcome outcome) { return outcome != Outcome::drop; },
                  [](Outcome outcome) { return outcome == Outcome::open; }, &pass_cells, &open_cells));
    if (pass_cells.none()) return {};
    TRY_ASSIGN(const RowRanks* ranks, map->ranks());
    for (const auto& [cells, all] : {std::pair(&pass_cells, &pass), std::pair(&open_cells, &open)}) {
      if (cells->none()) continue;
      RowBits rows(pass.rows());
      ranks->to_rows(*cells, &rows);
      if (only != nullptr) rows.keep(*only);
      all->add(rows);
    }
    return {};
  }

  const ShapeRows& shapes;
  RowBits pass;
  RowBits open;
};

ColumnSelect::ColumnSelect(std::span<const Stage> stages, std::span<const RowStagePtr> rows,
                           std::span<const LabelFilterPtr> filters, const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) {
    complete_ = complete_ && !has_own_rules(name);
    name_index(name);
  }
  wanted_ = names_.size();
  for (size_t i = 0; i < stages.size(); ++i) {
    if (take_stage(stages[i], rows[i].get())) continue;
    complete_ = false;
    return;
  }
  for (const LabelFilterPtr& filter : filters) add_filter(*filter, true);
}

size_t ColumnSelect::name_index(const std::string& name) {
  const auto at = std::find(names_.begin(), names_.end(), name);
  if (at != names_.end()) return static_cast<size_t>(at - names_.begin());
  names_.push_back(name);
  return names_.size() - 1;
}

bool ColumnSelect::is_dropped(std::string_view name) const {
  return std::find(dropped_.begin(), dropped_.end(), name) != dropped_.end();
}

bool ColumnSelect::take_parser(const Stage& stage) {
  if (parser_.form != LineForm::raw || !dropped_.empty()) return false;
  if (const auto* json = std::get_if<JsonStage>(&stage)) {
    parser_.form = LineForm::json;
    if (!json->expressions.empty()) {
      auto slots = make_json_slots(*json);
      if (slots.ok()) expressions_.emplace(std::move(*slots));
    }
  } else if (const auto* logfmt = std::get_if<LogfmtStage>(&stage)) {
    // Keys without a value are no slots of a shape.
    if (logfmt->expressions.empty() && logfmt->keep_empty) return false;
    parser_.form = LineForm::logfmt;
    sets_named_keys_alone_ = logfmt->expressions.empty() && !logfmt->strict;
    if (!logfmt->expressions.empty()) expressions_.emplace(make_logfmt_slots(*logfmt));
  } else {
    return false;
  }
  if (expressions_) parser_.expressions = &*expressions_;
  for (Condition& condition : conditions_) condition.before_parser = true;
  return true;
}

bool ColumnSelect::take_drop(const DropStage& stage) {
  for (const NamedLabel& label : stage.labels) {
    const auto wanted_end = names_.begin() + static_cast<std::ptrdiff_t>(wanted_);
    if (label.matcher || std::find(names_.begin(), wanted_end, label.name) != wanted_end) return false;
    dropped_.push_back(label.name);
  }
  return true;
}

bool ColumnSelect::take_stage(const Stage& stage, RowStage* row_stage) {
  if (std::holds_alternative<LineFilterStage>(stage)) {
    line_filters_.push_back(row_stage);
    return true;
  }
  if (const auto* filter = std::get_if<LabelFilterStage>(&stage)) {
    add_filter(*filter->filter, false);
    return true;
  }
  if (const auto* drop = std::get_if<DropStage>(&stage)) return take_drop(*drop);
  return take_parser(stage);
}

void ColumnSelect::add_filter(const LabelFilter& filter, bool behind_unwrap) {
  std::vector<const LabelFilter*> leaves;
  collect_leaves(filter, &leaves);
  for (const LabelFilter* leaf : leaves) {
    auto predicate = make_label_predicate(*leaf);
    std::vector<std::string> names;
    if (predicate.ok()) (*predicate)->names(&names);
    const std::string* name = only_name(names);
    if (name == nullptr || is_dropped(*name) || (has_own_rules(*name) && *name != kErrorLabel)) {
      complete_ = false;
    } else {
      add_condition(std::move(*predicate), *name, behind_unwrap);
    }
  }
}

void ColumnSelect::add_condition(LabelPredicatePtr predicate, const std::string& name, bool behind_unwrap) {
  Condition condition;
  Judge judge(predicate.get(), name);
  condition.absent = judge.of(std::nullopt);
  condition.empty = judge.of(std::string_view());
  condition.absent_after_error = judge.of_error(kJsonParserError);
  condition.errors_dropped = is_dropped(kErrorLabel);
  condition.of_error = name == kErrorLabel;
  condition.spares_errors = condition.absent == Outcome::drop && condition.absent_after_error == Outcome::pass;
  // Which rows an earlier filter gave an error is known only when they are looked at.
  if ((condition.of_error && condition.absent != Outcome::pass) ||
      (condition.spares_errors && (behind_unwrap || !complete_))) {
    complete_ = false;
    return;
  }
  if (!condition.of_error) condition.name = name_index(name);
  condition.predicate = std::move(predicate);
  conditions_.push_back(std::move(condition));
}

Result<ColumnSelect::StreamRows> ColumnSelect::rows_of(BlockView& view, const Stream& stream) {
  StreamRows out;
  const bool in_columns = view.columns() != nullptr;
  const bool searched = view.searches_at_once() && !line_filters_.empty();
  if (!searched && (!in_columns || (conditions_.empty() && !complete_))) return out;
  std::vector<bool> has;
  for (const std::string& name : names_) has.push_back(in_columns && stream.labels.has(name));
  auto found = std::find_if(found_.begin(), found_.end(), [&has](const Found& f) { return f.stream_has == has; });
  if (found == found_.end()) {
    if (found_.size() == kMostSets) return out;
    Found fresh{std::move(has), std::nullopt, RowSelection(view.row_count())};
    TRY(find(view, &fresh));
    found = found_.insert(found_.end(), std::move(fresh));
  }
  if (in_columns && !found->labels) return out;
  out.found = &*found;
  out.all_open = !in_columns;
  if (!in_columns) return out;
  for (const Condition& condition : conditions_) {
    if (condition.of_error || !found->stream_has[condition.name]) continue;
    const std::string& name = names_[condition.name];
    Outcome outcome = Judge(condition.predicate.get(), name).of(stream.labels.get(name));
    if (condition.spares_errors && outcome == Outcome::drop) outcome = Outcome::open;
    out.none = out.none || outcome == Outcome::drop;
    out.all_open = out.all_open || outcome == Outcome::open;
  }
  return out;
}

Result<void> ColumnSelect::find(BlockView& view, Found* found) {
  if (view.columns() == nullptr) return filter_lines(view, found);
  TRY_ASSIGN(found->labels, BlockLabels::make(*view.columns(), parser_, names_, found->stream_has));
  if (!found->labels) return {};
  TRY_ASSIGN(const ShapeRows* shape_rows, view.columns()->shape_rows());
  std::vector<uint8_t> open(found->labels->shape_ids());
  for (uint32_t id = 0; id < open.size(); ++id) {
    const BlockLabels::Lines lines = found->labels->lines(id);
    open[id] = lines == BlockLabels::Lines::open || (lines == BlockLabels::Lines::error && !is_dropped(kErrorLabel));
  }
  // Those that an error passes all conditions by must be known at once, others when it is clear which are kept.
  const bool at_once =
      std::any_of(conditions_.begin(), conditions_.end(), [](const auto& c) { return c.spares_errors; });
  if (at_once) add_rows(*shape_rows, open, &found->rows.open);
  TRY(filter_rows(view, found));
  if (!at_once) add_kept_rows(*shape_rows, open, found->rows.kept, &found->rows.open);
  return {};
}

Result<void> ColumnSelect::filter_lines(BlockView& view, Found* found) {
  for (RowStage* filter : line_filters_) {
    TRY(filter->select(view, &found->rows));
    if (found->rows.kept.none()) break;
  }
  return {};
}

Result<void> ColumnSelect::filter_rows(BlockView& view, Found* found) {
  const auto few = [found] { return found->rows.kept.count() < found->rows.kept.rows() / kFewRows; };
  TRY(filter_lines(view, found));
  if (found->rows.kept.none()) return {};
  // Those that ask for errors first: they cost next to nothing.
  for (const bool of_error : {true, false}) {
    bool stream_asked = false;  // and so may all rows of a stream have got an error
    for (const Condition& condition : conditions_) {
      const bool of_stream = !condition.of_error && found->stream_has[condition.name];
      stream_asked = stream_asked || of_stream;
      if (condition.of_error != of_error || of_stream) continue;
      if (condition.spares_errors && stream_asked) {
        found->rows.open.set_all();
        continue;
      }
      if (!of_error && few()) {
        found->rows.open.set_all();
        return {};
      }
      TRY(apply(view, condition, found));
    }
  }
  return {};
}

ColumnSelect::Outcome ColumnSelect::outcome_of(const Condition& condition, const BlockLabels& labels,
                                               uint32_t shape_id) const {
  switch (labels.lines(shape_id)) {
    case BlockLabels::Lines::open: return Outcome::open;
    case BlockLabels::Lines::error:
      return condition.before_parser || condition.errors_dropped ? condition.absent : condition.absent_after_error;
    case BlockLabels::Lines::told: break;
  }
  if (condition.of_error) return Outcome::pass;
  const BlockLabels::Label& label = labels.label(condition.name);
  const bool field = !label.by_shape.empty() && label.by_shape[shape_id] != nullptr;
  // The parser asks a filter before it again when it sets the field.
  if (condition.before_parser && (field || label.always_set)) return Outcome::open;
  if (field) return Outcome::drop;  // until its cells say otherwise
  return label.always_set ? condition.empty : condition.absent;
}

Result<void> ColumnSelect::apply(BlockView& view, const Condition& condition, Found* found) {
  const BlockLabels& labels = *found->labels;
  TRY_ASSIGN(const ShapeRows* shape_rows, view.columns()->shape_rows());
  PassingRows rows(view.row_count(), *shape_rows);
  std::vector<uint8_t> pass(labels.shape_ids()), open(labels.shape_ids());
  for (uint32_t id = 0; id < pass.size(); ++id) {
    const Outcome outcome = outcome_of(condition, labels, id);
    pass[id] = outcome != Outcome::drop;
    open[id] = outcome == Outcome::open;
  }
  add_rows(rows.shapes, pass, &rows.pass);
  add_rows(rows.shapes, open, &rows.open);
  const bool needs_key = !condition.of_error && !condition.before_parser && condition.absent == Outcome::drop;
  if (needs_key && sets_named_keys_alone_) TRY(drop_without_key(view, names_[condition.name], &rows));
  if (!condition.of_error) TRY(apply_to_cells(view, condition, labels, &rows));
  if (condition.spares_errors) rows.pass.add(found->rows.open);
  found->rows.kept.keep(rows.pass);
  found->rows.open.add(rows.open);
  return {};
}

/// Of lines that are no logfmt, the stage makes a label only where its name stands as a key in front of a `=`.
Result<void> ColumnSelect::drop_without_key(BlockView& view, std::string_view name, PassingRows* rows) {
  // Whatever else may stand in a key became `_`; what follows it must be there as it is.
  const std::string end(name.substr(name.rfind('_') + 1));
  RowBits without = rows->open;
  if (end.empty() || without.none()) return {};
  // A space rune between key and `=` is no part of the name: each begins with one of these bytes.
  for (const char* next : {"=", "\xC2", "\xE1", "\xE2", "\xE3"}) {
    TRY_ASSIGN(const RowBits found, view.rows_with_text(end + next, TextPlace::line));
    without.remove(found);
  }
  rows->pass.remove(without);
  rows->open.remove(without);
  return {};
}

Result<void> ColumnSelect::apply_to_cells(BlockView& view, const Condition& condition, const BlockLabels& labels,
                                          PassingRows* rows) {
  Judge judge(condition.predicate.get(), names_[condition.name]);
  TRY_ASSIGN(LabelCells<Judge> cells, LabelCells<Judge>::make(view, labels, condition.name, &judge));
  for (size_t field = 0; !condition.before_parser && field < cells.fields().size(); ++field) {
    CellMap<Judge>& map = cells.fields()[field];
    TRY_ASSIGN(const bool others, has_other_cells(view, cells, field, map.slot().column));
    if (!others) {
      TRY(rows->add(&map, nullptr));
      continue;
    }
    RowBits with_field(rows->pass.rows());
    std::vector<uint8_t> has_field(labels.shape_ids());
    for (uint32_t id = 0; id < has_field.size(); ++id) has_field[id] = cells.has_field(id, field);
    add_rows(rows->shapes, has_field, &with_field);
    TRY(rows->add(&map, &with_field));
  }
  if (CellMap<Judge>* metadata = cells.metadata()) {
    RowBits has(rows->pass.rows());
    TRY_ASSIGN(const RowRanks* ranks, metadata->ranks());
    ranks->add_to(&has);
    rows->pass.remove(has);  // whatever the line says, its field has another name there
    TRY(rows->add(metadata, nullptr));
  }
  return {};
}

}  // namespace cordwood::query
