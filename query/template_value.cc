// SPDX-License-Identifier: Apache-2.0
#include "query/template_value.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/number_text.h"

namespace cordwood::query {

TemplateValue TemplateValue::of_bool(bool v) {
  TemplateValue value;
  value.kind = ValueKind::boolean;
  value.boolean = v;
  return value;
}

TemplateValue TemplateValue::of_int(int64_t v, ValueKind kind) {
  TemplateValue value;
  value.kind = kind;
  value.integer = v;
  return value;
}

TemplateValue TemplateValue::of_real(double v) {
  TemplateValue value;
  value.kind = ValueKind::real;
  value.real = v;
  return value;
}

TemplateValue TemplateValue::of_string(std::string_view v) {
  TemplateValue value;
  value.kind = ValueKind::string;
  value.string = v;
  return value;
}

TemplateValue TemplateValue::of_time(const GoTime& v) {
  TemplateValue value;
  value.kind = ValueKind::time;
  value.time = v;
  return value;
}

TemplateValue TemplateValue::of_labels(const TemplateLabels* v) {
  TemplateValue value;
  value.kind = ValueKind::labels;
  value.labels = v;
  return value;
}

std::string_view TemplateArena::keep(std::string text) {
  bytes_ += text.size();
  if (used_ == strings_.size()) strings_.emplace_back();
  std::string& slot = strings_[used_++];
  // A short text is copied, so that the slot's own memory serves the next line too.
  if (text.size() <= slot.capacity()) {
    slot.assign(text);
  } else {
    slot = std::move(text);
  }
  return slot;
}

TemplateTree* TemplateArena::new_tree() {
  trees_.push_back(std::make_unique<TemplateTree>());
  return trees_.back().get();
}

void TemplateArena::reset() {
  used_ = 0;
  bytes_ = 0;
  trees_.clear();
}

std::string_view go_type_name(const TemplateValue& value) {
  switch (value.kind) {
    case ValueKind::none: return "<nil>";
    case ValueKind::boolean: return "bool";
    case ValueKind::integer: return "int";
    case ValueKind::integer64: return "int64";
    case ValueKind::byte: return "uint8";
    case ValueKind::real: return "float64";
    case ValueKind::string: return "string";
    case ValueKind::time: return "time.Time";
    case ValueKind::labels: return "map[string]string";
    case ValueKind::map: return "map[string]interface {}";
    case ValueKind::list: return "[]interface {}";
  }
  return "";
}

bool is_true(const TemplateValue& value) {
  switch (value.kind) {
    case ValueKind::none: return false;
    case ValueKind::boolean: return value.boolean;
    case ValueKind::integer:
    case ValueKind::integer64:
    case ValueKind::byte: return value.integer != 0;
    case ValueKind::real: return value.real != 0;
    case ValueKind::string: return !value.string.empty();
    case ValueKind::time: return true;
    case ValueKind::labels: {
      std::vector<std::pair<std::string_view, std::string_view>> all;
      value.labels->list(&all);
      return !all.empty();
    }
    case ValueKind::map: return !value.tree->members.empty();
    case ValueKind::list: return !value.tree->items.empty();
  }
  return false;
}

namespace {

void append_labels(const TemplateLabels& labels, std::string* out) {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  labels.list(&all);
  std::sort(all.begin(), all.end());
  *out += "map[";
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0) *out += ' ';
    *out += all[i].first;
    *out += ':';
    *out += all[i].second;
  }
  *out += ']';
}

}  // namespace

void append_default_text(const TemplateValue& value, std::string* out) {
  switch (value.kind) {
    case ValueKind::none: *out += "<nil>"; return;
    case ValueKind::boolean: *out += value.boolean ? "true" : "false"; return;
    case ValueKind::integer:
    case ValueKind::integer64:
    case ValueKind::byte: *out += fmt::format_int(value.integer).c_str(); return;
    case ValueKind::real: *out += format_float_general(value.real); return;
    case ValueKind::string: *out += value.string; return;
    case ValueKind::time: *out += go_time_to_string(value.time); return;
    case ValueKind::labels: return append_labels(*value.labels, out);
    case ValueKind::map:
      *out += "map[";
      for (size_t i = 0; i < value.tree->members.size(); ++i) {
        if (i > 0) *out += ' ';
        *out += value.tree->members[i].first;
        *out += ':';
        append_default_text(value.tree->members[i].second, out);
      }
      *out += ']';
      return;
    case ValueKind::list:
      *out += '[';
      for (size_t i = 0; i < value.tree->items.size(); ++i) {
        if (i > 0) *out += ' ';
        append_default_text(value.tree->items[i], out);
      }
      *out += ']';
      return;
  }
}

void append_template_text(const TemplateValue& value, std::string* out) {
  if (value.kind == ValueKind::none) {
    *out += "<no value>";
  } else {
    append_default_text(value, out);
  }
}

}  // namespace cordwood::query
