// SPDX-License-Identifier: Apache-2.0
#include "query/label_predicate.h"
#include "query/regex_simplify.h"

namespace cordwood::query {

namespace {

/// `name="value"` and `name!="value"`.
class EqualPredicate final : public LabelPredicate {
 public:
  EqualPredicate(std::string name, std::string value, bool negated)
      : name_(std::move(name)), value_(std::move(value)), negated_(negated) {}
  bool matches(PipelineRow& row) const override { return (label_or_empty(row, name_) == value_) != negated_; }
  void names(std::vector<std::string>* out) const override { out->push_back(name_); }

 private:
  std::string name_, value_;
  bool negated_;
};

/// `name=~"expression"` and `name!~"expression"`.
class RegexPredicate final : public LabelPredicate {
 public:
  RegexPredicate(std::string name, SimpleRegex regex, bool negated)
      : name_(std::move(name)), regex_(std::move(regex)), negated_(negated) {}
  bool matches(PipelineRow& row) const override { return regex_.matches(label_or_empty(row, name_)) != negated_; }
  void names(std::vector<std::string>* out) const override { out->push_back(name_); }

 private:
  std::string name_;
  SimpleRegex regex_;
  bool negated_;
};

}  // namespace

Result<LabelPredicatePtr> make_string_predicate(const StringLabelFilter& filter) {
  const Matcher& m = filter.matcher;
  if (m.op() == MatchOp::equal || m.op() == MatchOp::not_equal) {
    return LabelPredicatePtr(std::make_shared<const EqualPredicate>(m.name(), m.value(), m.op() == MatchOp::not_equal));
  }
  TRY_ASSIGN(SimpleRegex regex, SimpleRegex::make(m.value(), RegexPlace::label));
  return LabelPredicatePtr(
      std::make_shared<const RegexPredicate>(m.name(), std::move(regex), m.op() == MatchOp::not_regex));
}

}  // namespace cordwood::query
