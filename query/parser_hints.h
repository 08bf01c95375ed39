// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/label_predicate.h"
#include "query/pipeline_row.h"

namespace cordwood::query {

/// What the rest of a query lets its parsers leave out.  Log queries need every label; metric queries that aggregate
/// need few.  In both, a filter on a single label lets a parser drop a row as soon as it sets that label.
struct ParserHints {
  bool no_labels = false;             ///< no parser needs to run at all
  std::vector<std::string> required;  ///< empty: all; with and without `_extracted`
  bool preserve_error = false;        ///< rows with errors stay in the answer of a metric query
  std::vector<std::pair<std::string, LabelPredicatePtr>> filters;

  bool wanted(std::string_view name) const;
  /// False when it is not wanted under this name nor with `_extracted`.
  bool may_want(std::string_view name) const;
  /// Whether nested keys below `prefix` may become a wanted name.
  bool prefix_wanted(std::string_view prefix) const;
  bool complete(const LabelBuilder& labels) const;  ///< every required label is extracted
  bool may_skip(const LabelBuilder& labels) const { return no_labels || complete(labels); }
  /// The filter that guards `name`, or null.
  const LabelPredicate* guard(std::string_view name) const;
};

/// Where the labels of a metric query go.
struct LabelDemand {
  bool metric = false;
  std::vector<std::string> groups;
  bool without = false;
  bool no_labels = false;  ///< aggregated to a single series
  std::string unwrap_name;
};

/// `required` are the labels stages read; `filters` the label filters of the pipeline in order.
ParserHints make_parser_hints(const LabelDemand& demand, const std::vector<std::string>& required,
                              const std::vector<LabelPredicatePtr>& filters);

enum class AfterLabel : unsigned char { go_on, drop_row, stop_parsing };
/// Sets a parsed label and tells the parser how to go on.
AfterLabel set_parsed_label(PipelineRow& row, const ParserHints& hints, std::string_view name, std::string_view value);

/// Marks the row as not parsable.
void set_parser_error(PipelineRow& row, const ParserHints& hints, std::string_view error, std::string_view details);

}  // namespace cordwood::query
