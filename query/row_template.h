// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "query/pipeline_row.h"
#include "query/template.h"

namespace cordwood::query {

/// The labels of a row as a template's data, read as far as the template asks; errors count as labels here.
class RowTemplateLabels final : public TemplateLabels {
 public:
  void begin(PipelineRow* row) { row_ = row; }
  std::optional<std::string_view> find(std::string_view name) const override;
  void list(std::vector<std::pair<std::string_view, std::string_view>>* out) const override;

 private:
  PipelineRow* row_ = nullptr;
  mutable std::vector<LabelView> all_;
};

/// The labels as they were at one moment.
class FixedTemplateLabels final : public TemplateLabels {
 public:
  void capture(PipelineRow& row);
  std::optional<std::string_view> find(std::string_view name) const override;
  void list(std::vector<std::pair<std::string_view, std::string_view>>* out) const override;

 private:
  std::vector<LabelView> labels_;
};

/// Runs a template over a row.  False when it failed: the row has its error then.
bool run_template(Template& text, const TemplateLabels& labels, PipelineRow& row, std::string* out);

/// Names of the labels that a template reads, as far as its text tells.
void template_labels(std::string_view text, std::vector<std::string>* out);

}  // namespace cordwood::query
