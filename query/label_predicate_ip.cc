// SPDX-License-Identifier: Apache-2.0
#include "query/ip_matcher.h"
#include "query/label_predicate.h"

namespace cordwood::query {

namespace {

class IpPredicate final : public LabelPredicate {
 public:
  IpPredicate(IpLabelFilter filter, IpMatcher matcher) : filter_(std::move(filter)), matcher_(matcher) {}
  bool matches(PipelineRow& row) const override {
    if (row.labels.has_error()) return true;
    const auto text = row.labels.get(filter_.name);
    return text && matcher_.found_in(*text) != filter_.negated;
  }
  void names(std::vector<std::string>* out) const override { out->push_back(filter_.name); }

 private:
  IpLabelFilter filter_;
  IpMatcher matcher_;
};

}  // namespace

Result<LabelPredicatePtr> make_ip_predicate(const IpLabelFilter& filter) {
  TRY_ASSIGN(const IpMatcher matcher, IpMatcher::make(filter.pattern));
  return LabelPredicatePtr(std::make_shared<const IpPredicate>(filter, matcher));
}

}  // namespace cordwood::query
