// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/label_builder.h"
#include "query/logql_ast.h"
#include "query/pipeline_row.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// Numbers from least to most, or all others.
struct NumberRange {
  double least = 0;
  double most = 0;
  bool outside = false;
};

/// A label filter ready to run.  A row without the label is refused (string filters see an empty value); a value that
/// cannot be read as the filter's type passes and sets the row's error, unless it has one.  Immutable after
/// construction.
class LabelPredicate {
 public:
  virtual ~LabelPredicate() = default;
  virtual bool matches(PipelineRow& row) const = 0;
  /// Appends every label it reads.
  virtual void names(std::vector<std::string>* out) const = 0;
  /// Whether it reads one label only and may so drop a row as soon as a parser sets that label.
  virtual bool single_label() const { return true; }
  /// For number filters: whether a label matches whose text is this number.
  virtual std::optional<bool> matches_number(double) const { return std::nullopt; }
  /// For number filters: which these are, if a range tells.
  virtual std::optional<NumberRange> range() const { return std::nullopt; }
};
using LabelPredicatePtr = std::shared_ptr<const LabelPredicate>;

/// invalid when a part cannot be built (`ip: invalid pattern: …`).
Result<LabelPredicatePtr> make_label_predicate(const LabelFilter& filter);

Result<LabelPredicatePtr> make_string_predicate(const StringLabelFilter& filter);
LabelPredicatePtr make_number_predicate(const NumberLabelFilter& filter);
LabelPredicatePtr make_duration_predicate(const DurationLabelFilter& filter);
LabelPredicatePtr make_bytes_predicate(const BytesLabelFilter& filter);
Result<LabelPredicatePtr> make_ip_predicate(const IpLabelFilter& filter);

/// Value of a label as string filters and templates see it: `__error__` reads the error.
std::string_view label_or_empty(PipelineRow& row, std::string_view name);
/// Notes that a value could not be read, unless the row has an error already.
void set_filter_error(PipelineRow& row, std::string_view details);

template <typename T>
bool compare(CompareOp op, T left, T right) {
  switch (op) {
    case CompareOp::equal: return left == right;
    case CompareOp::not_equal: return left != right;
    case CompareOp::greater: return left > right;
    case CompareOp::greater_equal: return left >= right;
    case CompareOp::less: return left < right;
    case CompareOp::less_equal: return left <= right;
  }
  return false;
}

}  // namespace cordwood::query
