// SPDX-License-Identifier: Apache-2.0
#include "query/cell_text.h"

#include <algorithm>

#include "query/json_walk.h"
#include "query/label_name.h"

namespace cordwood::query {

std::string_view CellText::unquoted_logfmt(std::string_view cell) {
  line_ = "k=\"";
  line_ += cell;
  line_ += '"';
  reader_.reset(line_);
  return reader_.next() ? reader_.value() : std::string_view();
}

std::optional<std::string_view> CellText::value(LineForm form, ShapeSlot::Kind kind, std::string_view cell) {
  const bool quoted = kind == ShapeSlot::Kind::quoted;
  if (form == LineForm::json) {
    if (quoted) return json_label_value(cell, &value_);
    return cell == "null" ? std::nullopt : std::optional(cell);
  }
  if (form != LineForm::logfmt) return cell;
  const bool escaped = quoted && cell.find('\\') != std::string_view::npos;
  const std::string_view value = without_replacement_runes(escaped ? unquoted_logfmt(cell) : cell, &value_);
  return value.empty() ? std::nullopt : std::optional(value);
}

bool slots_tell_fields(const Shape& shape) {
  return std::none_of(shape.constants.begin(), shape.constants.end(),
                      [](std::string_view text) { return text.find('\\') != std::string_view::npos; });
}

std::string joined_label_name(std::span<const std::string> path) {
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

}  // namespace cordwood::query
