// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "query/label_predicate.h"
#include "query/number_text.h"

namespace cordwood::query {

namespace {

class NumberPredicate final : public LabelPredicate {
 public:
  explicit NumberPredicate(NumberLabelFilter filter) : filter_(std::move(filter)) {}
  bool matches(PipelineRow& row) const override {
    const auto text = row.labels.get(filter_.name);
    if (!text) return false;
    double value = 0;
    if (!try_parse_go_float(*text, &value)) {
      const auto parsed = parse_go_float(*text);
      set_filter_error(row, parsed.ok() ? std::string_view() : parsed.error().message);
      return true;
    }
    return compare(filter_.op, value, filter_.value);
  }
  void names(std::vector<std::string>* out) const override { out->push_back(filter_.name); }
  std::optional<bool> matches_number(double value) const override { return compare(filter_.op, value, filter_.value); }
  std::optional<NumberRange> range() const override {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double value = filter_.value;
    if (std::isnan(value)) return std::nullopt;
    switch (filter_.op) {
      case CompareOp::equal: return NumberRange{value, value, false};
      case CompareOp::not_equal: return NumberRange{value, value, true};
      case CompareOp::greater: return NumberRange{-kInfinity, value, true};
      case CompareOp::greater_equal: return NumberRange{value, kInfinity, false};
      case CompareOp::less: return NumberRange{value, kInfinity, true};
      case CompareOp::less_equal: return NumberRange{-kInfinity, value, false};
    }
    return std::nullopt;
  }

 private:
  NumberLabelFilter filter_;
};

}  // namespace

LabelPredicatePtr make_number_predicate(const NumberLabelFilter& filter) {
  return std::make_shared<const NumberPredicate>(filter);
}

}  // namespace cordwood::query
