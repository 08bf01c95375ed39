// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/query/reference/filters.h"
#include "tests/query/reference/parsers.h"

namespace cordwood::query::reference {

/// The stages of a query, run one after another on one row.
class Pipeline {
 public:
  /// `filters` of an unwrap stand behind the stages.  The query outlives the pipeline.
  Pipeline(const LogQuery& query, const std::vector<LabelFilterPtr>& filters, Regexes* regexes);
  std::optional<Row> run(const Entry& entry) const;

 private:
  bool apply(const Stage& stage, Row* row) const;
  bool extract(const Fields& fields, Row* row) const;
  void guard(const LabelFilterPtr& filter);

  const LogQuery& query_;
  Regexes* regexes_;
  /// Filters on a single label, by it: a parser drops the row as soon as it sets a label that one of them refuses.
  std::map<std::string, const LabelFilter*> guards_;
};

}  // namespace cordwood::query::reference
