// SPDX-License-Identifier: Apache-2.0
#include "query/duration_text.h"
#include "query/label_predicate.h"

namespace cordwood::query {

namespace {

/// The literal may use days and weeks; the label's value is read as Go reads durations.
class DurationPredicate final : public LabelPredicate {
 public:
  explicit DurationPredicate(DurationLabelFilter filter) : filter_(std::move(filter)) {}
  bool matches(PipelineRow& row) const override {
    const auto text = row.labels.get(filter_.name);
    if (!text) return false;
    int64_t value_ns = 0;
    if (!try_parse_go_duration(*text, &value_ns)) {
      const auto parsed = parse_go_duration(*text);
      set_filter_error(row, parsed.ok() ? std::string_view() : parsed.error().message);
      return true;
    }
    return compare(filter_.op, value_ns, filter_.value_ns);
  }
  void names(std::vector<std::string>* out) const override { out->push_back(filter_.name); }

 private:
  DurationLabelFilter filter_;
};

}  // namespace

LabelPredicatePtr make_duration_predicate(const DurationLabelFilter& filter) {
  return std::make_shared<const DurationPredicate>(filter);
}

}  // namespace cordwood::query
