// SPDX-License-Identifier: Apache-2.0
#include "query/row_template.h"

#include "query/template_parser.h"

namespace cordwood::query {

namespace {

void collect_fields(const TemplateNode* node, std::vector<std::string>* out) {
  if (node == nullptr) return;
  if (node->type == TemplateNodeType::field) out->insert(out->end(), node->names.begin(), node->names.end());
  for (const TemplateNodePtr& child : node->children) collect_fields(child.get(), out);
  collect_fields(node->pipe.get(), out);
  collect_fields(node->body.get(), out);
  collect_fields(node->otherwise.get(), out);
}

}  // namespace

std::optional<std::string_view> RowTemplateLabels::find(std::string_view name) const {
  if (name == kErrorLabel && row_->labels.has_error()) return row_->labels.error();
  if (name == kErrorDetailsLabel && !row_->labels.error_details().empty()) return row_->labels.error_details();
  return row_->labels.get(name);
}

void RowTemplateLabels::list(std::vector<std::pair<std::string_view, std::string_view>>* out) const {
  all_.clear();
  row_->labels.append(LabelBuilder::kAll, &all_);
  for (const LabelView& label : all_) out->emplace_back(label.name, label.value);
}

void FixedTemplateLabels::capture(PipelineRow& row) {
  labels_.clear();
  row.labels.append(LabelBuilder::kAll, &labels_);
}

std::optional<std::string_view> FixedTemplateLabels::find(std::string_view name) const {
  for (const LabelView& label : labels_) {
    if (label.name == name) return label.value;
  }
  return std::nullopt;
}

void FixedTemplateLabels::list(std::vector<std::pair<std::string_view, std::string_view>>* out) const {
  for (const LabelView& label : labels_) out->emplace_back(label.name, label.value);
}

bool run_template(Template& text, const TemplateLabels& labels, PipelineRow& row, std::string* out) {
  TemplateInput input;
  input.line = row.line();
  input.time_ns = row.time_ns();
  input.now_ns = row.now_ns;
  input.labels = &labels;
  input.zones = row.zones;
  std::string error;
  if (text.execute(input, out, &error)) return true;
  row.labels.set_error("TemplateFormatErr");
  row.labels.set_error_details(row.arena.copy(error));
  return false;
}

void template_labels(std::string_view text, std::vector<std::string>* out) {
  const auto parsed = parse_template("line", text);
  if (!parsed.ok()) return;
  collect_fields(parsed->root.get(), out);
  for (const auto& [name, root] : parsed->defined) collect_fields(root.get(), out);
}

}  // namespace cordwood::query
