// SPDX-License-Identifier: Apache-2.0
#include "query/shape_fields.h"

#include <algorithm>

#include "query/extract_logfmt.h"
#include "query/json_walk.h"
#include "query/label_name.h"

namespace cordwood::query {

std::string joined_label_name(const std::vector<std::string>& path) {
  std::string name;
  for (const std::string& key : path) {
    const size_t size = name.size();
    const bool nested = !name.empty();
    if (nested) name += '_';
    const size_t before = name.size();
    append_sanitized_label_name(key, !nested, &name);
    if (name.size() == before) name.resize(size);
  }
  return name;
}

ShapeFields::Target ShapeFields::make_target(std::string label) const {
  Target target;
  target.wanted = hints_->wanted(label);
  target.guard = hints_->guard(label);
  target.label = std::move(label);
  return target;
}

ShapeFields::Plan ShapeFields::make_plan(const Shape& shape, const PipelineRow& row) const {
  Plan plan;
  // Escapes in a key may be ones the text reader refuses.
  plan.usable = std::none_of(shape.constants.begin(), shape.constants.end(),
                             [](const std::string& text) { return text.find('\\') != std::string::npos; });
  for (const ShapeSlot& slot : shape.slots) {
    if (slot.kind == ShapeSlot::Kind::array) continue;
    Field field;
    field.slot = &slot;
    field.plain = make_target(joined_label_name(slot.path));
    field.extracted = make_target(field.plain.label + std::string(kExtractedSuffix));
    if (field.plain.label.empty() || (!field.plain.wanted && !field.extracted.wanted)) continue;
    // Metadata `x` is named `x_extracted` when the stream has `x`, so both names count.
    const std::string& name = field.plain.label;
    const std::string bare =
        name.ends_with(kExtractedSuffix) ? name.substr(0, name.size() - kExtractedSuffix.size()) : name;
    field.metadata_may_clash = row.block_may_have_metadata(name) || row.block_may_have_metadata(bare);
    plan.any_guarded = plan.any_guarded || field.guarded();
    plan.fields.push_back(std::move(field));
  }
  // `x` may take the name of the field `x_extracted`: then the first of the line must stay the first.
  for (const Field& a : plan.fields) {
    if (!a.guarded()) continue;
    const auto clashes = [&a](const Field& b) {
      return b.extracted.label == a.plain.label || b.plain.label == a.extracted.label;
    };
    if (std::any_of(plan.fields.begin(), plan.fields.end(), clashes)) plan.any_guarded = false;
  }
  return plan;
}

const ShapeFields::Plan& ShapeFields::plan_for(const Shape* shape, const PipelineRow& row) {
  if (shape != last_shape_) {
    auto at = plans_.find(shape);
    if (at == plans_.end()) at = plans_.emplace(shape, make_plan(*shape, row)).first;
    last_shape_ = shape;
    last_plan_ = &at->second;
  }
  if (last_plan_->stream != &row.stream()) {
    last_plan_->stream = &row.stream();
    for (Field& field : last_plan_->fields) field.stream_clashes = row.labels.stream_has(field.plain.label);
  }
  return *last_plan_;
}

const ShapeFields::Target& ShapeFields::target_of(PipelineRow& row, const Field& field) {
  const bool clashes = field.stream_clashes || (field.metadata_may_clash && row.labels.metadata_has(field.plain.label));
  return clashes ? field.extracted : field.plain;
}

std::string_view ShapeFields::decode(PipelineRow& row, const ShapeSlot& slot, std::string_view cell) {
  std::string_view value = cell;
  if (slot.kind == ShapeSlot::Kind::quoted && form_ == LineForm::json) {
    value = json_label_value(cell, &value_scratch_);
  } else if (form_ == LineForm::logfmt && slot.kind == ShapeSlot::Kind::quoted &&
             cell.find('\\') != std::string_view::npos) {
    line_scratch_ = "k=\"";
    line_scratch_ += cell;
    line_scratch_ += '"';
    LogfmtReader reader;
    reader.reset(line_scratch_);
    value = row.arena.copy(reader.next() ? reader.value() : std::string_view());
    value = without_replacement_runes(value, &value_scratch_);
  } else if (form_ == LineForm::logfmt) {
    value = without_replacement_runes(cell, &value_scratch_);
  }
  const auto inside = [value](const std::string& scratch) {
    return value.data() >= scratch.data() && value.data() < scratch.data() + scratch.size();
  };
  return inside(value_scratch_) || inside(cell_scratch_) ? row.arena.copy(value) : value;
}

bool ShapeFields::refused_by_integer(PipelineRow& row, const Field& field, const LabelPredicate& guard) {
  if (!guard.matches_integer(0)) return false;
  auto integer = row.block().integer_cell(row.row(), *field.slot);
  if (!integer.ok()) {
    row.fail(std::move(integer).error());
    return true;
  }
  return integer->has_value() && !*guard.matches_integer(**integer);
}

bool ShapeFields::take(PipelineRow& row, const Field& field) {
  const Target& target = target_of(row, field);
  if (!target.wanted || row.labels.extracted(target.label)) return true;
  if (target.guard != nullptr && field.slot->kind == ShapeSlot::Kind::bare &&
      refused_by_integer(row, field, *target.guard)) {
    refused_ = true;
    return false;
  }
  auto cell = row.block().cell(row.row(), *field.slot, &cell_scratch_);
  if (!cell.ok()) {
    row.fail(std::move(cell).error());
    refused_ = true;
    return false;
  }
  if (field.slot->kind == ShapeSlot::Kind::bare && form_ == LineForm::json && *cell == "null") return true;
  const std::string_view value = decode(row, *field.slot, *cell);
  if (form_ == LineForm::logfmt && value.empty()) return true;
  return sink_.set(target.label, value);
}

ShapeFields::Outcome ShapeFields::process(PipelineRow& row) {
  if (!row.line_is_stored()) return Outcome::not_shaped;
  auto shape = row.block().shape(row.row());
  if (!shape.ok()) {
    row.fail(std::move(shape).error());
    return Outcome::row_drops;
  }
  if (*shape == nullptr || (*shape)->form != form_) return Outcome::not_shaped;
  const Plan& plan = plan_for(*shape, row);
  if (!plan.usable) return Outcome::not_shaped;
  refused_ = false;
  sink_.begin_shaped(&row);
  // Fields with a filter come first: they may drop the row before anything else is read.  Fields of one name stay
  // in the order of the line, and filters look at their own label alone, so the order between names does not show.
  if (plan.any_guarded) {
    for (const Field& field : plan.fields) {
      if (field.guarded() && !take(row, field))
        return refused_ || sink_.dropped() ? Outcome::row_drops : Outcome::row_stays;
    }
  }
  if (hints_->required.empty()) row.labels.load_metadata();
  for (const Field& field : plan.fields) {
    if (field.guarded() && plan.any_guarded) continue;
    if (!take(row, field)) return refused_ || sink_.dropped() ? Outcome::row_drops : Outcome::row_stays;
  }
  return Outcome::row_stays;
}

}  // namespace cordwood::query
