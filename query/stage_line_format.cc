// SPDX-License-Identifier: Apache-2.0
#include "query/row_template.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class LineFormat final : public RowStage {
 public:
  explicit LineFormat(Template text) : template_(std::move(text)) {
    if (const std::string* field = template_.single_field()) field_ = *field;
  }
  bool process(PipelineRow& row) override {
    if (!field_.empty()) {
      // A template of one bare field does not see the errors.
      row.set_line(row.labels.get(field_).value_or(std::string_view()));
      return true;
    }
    labels_.begin(&row);
    if (run_template(template_, labels_, row, &line_)) row.set_line(row.arena.copy(line_));
    return true;
  }

 private:
  Template template_;
  std::string field_;
  RowTemplateLabels labels_;
  std::string line_;
};

}  // namespace

Result<RowStagePtr> make_line_format_stage(const LineFormatStage& stage) {
  auto parsed = Template::parse("line", stage.text);
  if (!parsed.ok()) return Error::invalid("invalid line template: " + parsed.error().message);
  return RowStagePtr(std::make_unique<LineFormat>(std::move(*parsed)));
}

void line_format_labels(const LineFormatStage& stage, std::vector<std::string>* out) {
  template_labels(stage.text, out);
}

}  // namespace cordwood::query
