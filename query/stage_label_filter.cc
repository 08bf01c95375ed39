// SPDX-License-Identifier: Apache-2.0
#include "query/stages.h"

namespace cordwood::query {

namespace {

class LabelFilterOperator final : public RowStage {
 public:
  explicit LabelFilterOperator(LabelPredicatePtr predicate) : predicate_(std::move(predicate)) {}
  bool process(PipelineRow& row) override { return predicate_->matches(row); }

 private:
  LabelPredicatePtr predicate_;
};

}  // namespace

RowStagePtr make_label_filter_stage(LabelPredicatePtr predicate) {
  return std::make_unique<LabelFilterOperator>(std::move(predicate));
}

}  // namespace cordwood::query
