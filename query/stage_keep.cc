// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "query/stages.h"

namespace cordwood::query {

namespace {

class Keep final : public RowStage {
 public:
  explicit Keep(std::vector<NamedLabel> labels) : labels_(std::move(labels)) {}
  bool process(PipelineRow& row) override {
    if (labels_.empty()) return true;
    visible_.clear();
    row.labels.append(LabelBuilder::kAll, &visible_);
    for (const LabelView& label : visible_) {
      if (label.name == kErrorLabel || label.name == kErrorDetailsLabel || label.name == kPreserveErrorLabel) continue;
      const bool stays = std::any_of(labels_.begin(), labels_.end(), [&](const NamedLabel& wanted) {
        return wanted.name == label.name && (!wanted.matcher || wanted.matcher->matches(label.value));
      });
      if (!stays) row.labels.remove(label.name);
    }
    return true;
  }

 private:
  std::vector<NamedLabel> labels_;
  std::vector<LabelView> visible_;
};

}  // namespace

Result<RowStagePtr> make_keep_stage(const KeepStage& stage) {
  return RowStagePtr(std::make_unique<Keep>(stage.labels));
}

}  // namespace cordwood::query
