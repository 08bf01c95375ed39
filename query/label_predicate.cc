// SPDX-License-Identifier: Apache-2.0
#include "query/label_predicate.h"

namespace cordwood::query {

namespace {

class PairPredicate : public LabelPredicate {
 public:
  PairPredicate(LabelPredicatePtr left, LabelPredicatePtr right) : left_(std::move(left)), right_(std::move(right)) {}
  void names(std::vector<std::string>* out) const override {
    left_->names(out);
    right_->names(out);
  }
  bool single_label() const override { return false; }

 protected:
  LabelPredicatePtr left_, right_;
};

class AndPredicate final : public PairPredicate {
 public:
  using PairPredicate::PairPredicate;
  bool matches(PipelineRow& row) const override {
    // Both sides run always: the right one may set an error though the left one is false.
    const bool left = left_->matches(row);
    const bool right = right_->matches(row);
    return left && right;
  }
};

class OrPredicate final : public PairPredicate {
 public:
  using PairPredicate::PairPredicate;
  bool matches(PipelineRow& row) const override { return left_->matches(row) || right_->matches(row); }
};

template <typename Node>
Result<LabelPredicatePtr> make_pair_predicate(const LabelFilterPtr& left, const LabelFilterPtr& right) {
  TRY_ASSIGN(LabelPredicatePtr l, make_label_predicate(*left));
  TRY_ASSIGN(LabelPredicatePtr r, make_label_predicate(*right));
  return LabelPredicatePtr(std::make_shared<const Node>(std::move(l), std::move(r)));
}

struct Maker {
  Result<LabelPredicatePtr> operator()(const StringLabelFilter& f) const { return make_string_predicate(f); }
  Result<LabelPredicatePtr> operator()(const NumberLabelFilter& f) const { return make_number_predicate(f); }
  Result<LabelPredicatePtr> operator()(const DurationLabelFilter& f) const { return make_duration_predicate(f); }
  Result<LabelPredicatePtr> operator()(const BytesLabelFilter& f) const { return make_bytes_predicate(f); }
  Result<LabelPredicatePtr> operator()(const IpLabelFilter& f) const { return make_ip_predicate(f); }
  Result<LabelPredicatePtr> operator()(const AndLabelFilter& f) const {
    return make_pair_predicate<AndPredicate>(f.left, f.right);
  }
  Result<LabelPredicatePtr> operator()(const OrLabelFilter& f) const {
    return make_pair_predicate<OrPredicate>(f.left, f.right);
  }
};

}  // namespace

Result<LabelPredicatePtr> make_label_predicate(const LabelFilter& filter) {
  return std::visit(Maker{}, filter.node);
}

std::string_view label_or_empty(PipelineRow& row, std::string_view name) {
  if (name == kErrorLabel) return row.labels.error();
  return row.labels.get(name).value_or(std::string_view());
}

void set_filter_error(PipelineRow& row, std::string_view details) {
  if (row.labels.has_error()) return;
  row.labels.set_error("LabelFilterErr");
  row.labels.set_error_details(row.arena.copy(details));
}

}  // namespace cordwood::query
