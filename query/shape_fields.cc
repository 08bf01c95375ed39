// SPDX-License-Identifier: Apache-2.0
#include "query/shape_fields.h"

#include <algorithm>

namespace cordwood::query {

ShapeFields::Target ShapeFields::make_target(std::string label) const {
  Target target;
  target.wanted = hints_->wanted(label);
  target.guard = hints_->guard(label);
  target.label = std::move(label);
  return target;
}

ShapeFields::Plan ShapeFields::make_plan(const Shape& shape, const PipelineRow& row) const {
  Plan plan;
  plan.usable = slots_tell_fields(shape);
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

bool ShapeFields::refused_by_integer(PipelineRow& row, const Field& field, const LabelPredicate& guard) {
  if (!guard.matches_number(0)) return false;
  auto integer = row.block().integer_cell(row.row(), *field.slot);
  if (!integer.ok()) {
    row.fail(std::move(integer).error());
    return true;
  }
  return integer->has_value() && !*guard.matches_number(static_cast<double>(**integer));
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
  const std::optional<std::string_view> value = text_.value(form_, field.slot->kind, *cell);
  if (!value) return true;
  const bool of_column = value->data() >= cell->data() && value->data() <= cell->data() + cell->size();
  const bool lasts = of_column && cell->data() != cell_scratch_.data();
  return sink_.set(target.label, lasts ? *value : row.arena.copy(*value));
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
