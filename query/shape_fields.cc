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

ShapeFields::Plan ShapeFields::make_plan(const Shape& shape) const {
  Plan plan;
  // Escapes in a key may be ones the text reader refuses.
  plan.usable = std::none_of(shape.constants.begin(), shape.constants.end(),
                             [](const std::string& text) { return text.find('\\') != std::string::npos; });
  for (const ShapeSlot& slot : shape.slots) {
    if (slot.kind == ShapeSlot::Kind::array) continue;
    Field field;
    field.slot = &slot;
    field.name = joined_label_name(slot.path);
    const std::string twin = field.name + std::string(kExtractedSuffix);
    if (field.name.empty() || (!hints_->wanted(field.name) && !hints_->wanted(twin))) continue;
    field.guarded = hints_->guard(field.name) != nullptr || hints_->guard(twin) != nullptr;
    plan.any_guarded = plan.any_guarded || field.guarded;
    plan.fields.push_back(std::move(field));
  }
  return plan;
}

const ShapeFields::Plan& ShapeFields::plan_for(const Shape* shape) {
  if (shape == last_shape_) return *last_plan_;
  auto at = plans_.find(shape);
  if (at == plans_.end()) at = plans_.emplace(shape, make_plan(*shape)).first;
  last_shape_ = shape;
  last_plan_ = &at->second;
  return at->second;
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

bool ShapeFields::refused_by_integer(PipelineRow& row, const Field& field, std::string_view label) {
  const LabelPredicate* guard = hints_->guard(label);
  if (guard == nullptr || !guard->matches_integer(0)) return false;
  auto integer = row.block().integer_cell(row.row(), *field.slot);
  if (!integer.ok()) {
    row.fail(std::move(integer).error());
    return true;
  }
  return integer->has_value() && !*guard->matches_integer(**integer);
}

bool ShapeFields::take(PipelineRow& row, const Field& field) {
  const std::string_view label = row.labels.parsed_name(field.name);
  if (!hints_->wanted(label) || row.labels.extracted(label)) return true;
  if (field.guarded && field.slot->kind == ShapeSlot::Kind::bare && refused_by_integer(row, field, label)) {
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
  return sink_.set(label, value);
}

ShapeFields::Outcome ShapeFields::process(PipelineRow& row) {
  if (!row.line_is_stored()) return Outcome::not_shaped;
  auto shape = row.block().shape(row.row());
  if (!shape.ok()) {
    row.fail(std::move(shape).error());
    return Outcome::row_drops;
  }
  if (*shape == nullptr || (*shape)->form != form_) return Outcome::not_shaped;
  const Plan& plan = plan_for(*shape);
  if (!plan.usable) return Outcome::not_shaped;
  refused_ = false;
  sink_.begin_shaped(&row);
  // Fields with a filter come first: they may drop the row before anything else is read.  Fields of one name stay
  // in the order of the line, and filters look at their own label alone, so the order between names does not show.
  if (plan.any_guarded) {
    for (const Field& field : plan.fields) {
      if (field.guarded && !take(row, field))
        return refused_ || sink_.dropped() ? Outcome::row_drops : Outcome::row_stays;
    }
  }
  if (hints_->required.empty()) row.labels.load_metadata();
  for (const Field& field : plan.fields) {
    if (field.guarded && plan.any_guarded) continue;
    if (!take(row, field)) return refused_ || sink_.dropped() ? Outcome::row_drops : Outcome::row_stays;
  }
  return Outcome::row_stays;
}

}  // namespace cordwood::query
