// SPDX-License-Identifier: Apache-2.0
#include "query/expression_slots.h"

#include <algorithm>
#include <set>

namespace cordwood::query {

namespace {

/// Cell i of the line that the extractor is given: a number, so that it may stand with and without quotes.
std::string stand_in(size_t slot) {
  return std::to_string(1'000'000'000 + slot);
}

/// Notes which slots are read.
class SlotSink final : public FieldSink {
 public:
  SlotSink(const Shape& shape, const std::vector<std::string>& names) : shape_(shape), names_(names) {}

  bool on_field(std::string_view name, std::string_view value) override {
    const auto at = std::find(names_.begin(), names_.end(), name);
    const bool again = std::any_of(fields_.begin(), fields_.end(), [&](const auto& f) { return *f.name == name; });
    size_t slot = 0;
    while (slot < shape_.slots.size() && value != stand_in(slot)) ++slot;
    told_ = told_ && at != names_.end() && !again && slot < shape_.slots.size() &&
            shape_.slots[slot].kind != ShapeSlot::Kind::array;
    if (told_) fields_.push_back({&*at, &shape_.slots[slot]});
    return told_;
  }
  bool told() const { return told_; }
  std::vector<ExpressionSlots::Field> take() { return std::move(fields_); }

 private:
  const Shape& shape_;
  const std::vector<std::string>& names_;
  std::vector<ExpressionSlots::Field> fields_;
  bool told_ = true;
};

}  // namespace

ExpressionSlots::ExpressionSlots(LineForm form, const std::vector<ExtractionExpr>& expressions, Extract extract)
    : form_(form), extract_(std::move(extract)) {
  for (const ExtractionExpr& expression : expressions) names_.push_back(expression.name);
  names_differ_ = std::set<std::string>(names_.begin(), names_.end()).size() == names_.size();
}

ExpressionSlots::Fields ExpressionSlots::find(const Shape& shape) const {
  if (shape.form != form_ || !names_differ_) return std::nullopt;
  std::string line(shape.constants[0]);
  for (size_t i = 0; i < shape.slots.size(); ++i) {
    line += shape.slots[i].kind == ShapeSlot::Kind::array ? "[]" : stand_in(i);
    line += shape.constants[i + 1];
  }
  SlotSink sink(shape, names_);
  if (!extract_(line, &sink) || !sink.told()) return std::nullopt;
  return sink.take();
}

const std::vector<ExpressionSlots::Field>* ExpressionSlots::fields(const Shape& shape) {
  if (&shape != last_shape_) {
    auto at = known_.find(&shape);
    if (at == known_.end()) at = known_.emplace(&shape, find(shape)).first;
    last_shape_ = &shape;
    last_fields_ = &at->second;
  }
  return *last_fields_ ? &**last_fields_ : nullptr;
}

const std::vector<ExpressionSlots::Field>* ExpressionSlots::fields_of(PipelineRow& row) {
  if (!row.line_is_stored()) return nullptr;
  auto shape = row.block().shape(row.row());
  if (!shape.ok()) {
    row.fail(std::move(shape).error());
    return nullptr;
  }
  return *shape == nullptr ? nullptr : fields(**shape);
}

std::optional<std::string_view> ExpressionSlots::value_of(PipelineRow& row, const ShapeSlot& slot) {
  auto cell = row.block().cell(row.row(), slot, &scratch_);
  if (!cell.ok()) {
    row.fail(std::move(cell).error());
    return std::nullopt;
  }
  return text_.value(form_, slot.kind, *cell).value_or(std::string_view());
}

}  // namespace cordwood::query
