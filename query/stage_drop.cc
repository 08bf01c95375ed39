// SPDX-License-Identifier: Apache-2.0
#include "query/stages.h"

namespace cordwood::query {

namespace {

class Drop final : public RowStage {
 public:
  explicit Drop(std::vector<NamedLabel> labels) : labels_(std::move(labels)) {}
  bool process(PipelineRow& row) override {
    for (const NamedLabel& label : labels_) drop(row, label);
    return true;
  }

 private:
  static void drop(PipelineRow& row, const NamedLabel& label) {
    const auto goes = [&](std::string_view value) { return !label.matcher || label.matcher->matches(value); };
    if (label.name == kErrorLabel) {
      if (goes(row.labels.error())) row.labels.set_error({});
    } else if (label.name == kErrorDetailsLabel) {
      if (goes(row.labels.error_details())) row.labels.set_error_details({});
    } else if (!label.matcher) {
      row.labels.remove(label.name);
    } else if (label.matcher->matches(row.labels.get(label.name).value_or(std::string_view()))) {
      row.labels.remove(label.name);
    }
  }

  std::vector<NamedLabel> labels_;
};

}  // namespace

Result<RowStagePtr> make_drop_stage(const DropStage& stage) {
  return RowStagePtr(std::make_unique<Drop>(stage.labels));
}

}  // namespace cordwood::query
