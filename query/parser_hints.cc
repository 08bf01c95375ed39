// SPDX-License-Identifier: Apache-2.0
#include "query/parser_hints.h"

#include <algorithm>

namespace cordwood::query {

namespace {

void add_name(std::string_view name, std::vector<std::string>* out) {
  if (name.empty()) return;
  const auto add = [&](std::string_view n) {
    if (std::find(out->begin(), out->end(), n) == out->end()) out->emplace_back(n);
  };
  add(name);
  if (name.ends_with(kExtractedSuffix)) add(name.substr(0, name.size() - kExtractedSuffix.size()));
}

}  // namespace

bool ParserHints::wanted(std::string_view name) const {
  return required.empty() || std::find(required.begin(), required.end(), name) != required.end();
}

bool ParserHints::may_want(std::string_view name) const {
  return required.empty() || std::any_of(required.begin(), required.end(), [name](const std::string& one) {
           return one.size() >= name.size() && one.starts_with(name) &&
                  (one.size() == name.size() || std::string_view(one).substr(name.size()) == kExtractedSuffix);
         });
}

bool ParserHints::prefix_wanted(std::string_view prefix) const {
  return required.empty() || std::any_of(required.begin(), required.end(),
                                         [&](const std::string& name) { return name.starts_with(prefix); });
}

bool ParserHints::complete(const LabelBuilder& labels) const {
  return !required.empty() &&
         std::all_of(required.begin(), required.end(), [&](const std::string& name) { return labels.extracted(name); });
}

const LabelPredicate* ParserHints::guard(std::string_view name) const {
  for (const auto& [label, filter] : filters) {
    if (label == name) return filter.get();
  }
  return nullptr;
}

ParserHints make_parser_hints(const LabelDemand& demand, const std::vector<std::string>& required,
                              const std::vector<LabelPredicatePtr>& filters) {
  ParserHints hints;
  for (const LabelPredicatePtr& filter : filters) {
    std::vector<std::string> names;
    filter->names(&names);
    if (filter->single_label() && names.size() == 1) hints.filters.emplace_back(names[0], filter);
  }
  if (!demand.metric) return hints;
  if (!demand.no_labels && (demand.without || demand.groups.empty())) return hints;

  std::vector<std::string> names;
  for (const std::string& name : required) add_name(name, &names);
  for (const std::string& name : demand.groups) add_name(name, &names);
  add_name(demand.unwrap_name, &names);
  hints.no_labels = names.empty();
  hints.preserve_error = std::find(names.begin(), names.end(), kErrorLabel) != names.end();
  hints.required = std::move(names);
  return hints;
}

AfterLabel set_parsed_label(PipelineRow& row, const ParserHints& hints, std::string_view name, std::string_view value) {
  row.labels.set_parsed(name, value);
  if (const LabelPredicate* guard = hints.guard(name)) {
    if (!guard->matches(row)) return AfterLabel::drop_row;
  }
  return hints.complete(row.labels) ? AfterLabel::stop_parsing : AfterLabel::go_on;
}

void set_parser_error(PipelineRow& row, const ParserHints& hints, std::string_view error, std::string_view details) {
  row.labels.set_error(error);
  if (!details.empty()) row.labels.set_error_details(row.arena.copy(details));
  if (hints.preserve_error) row.labels.set_parsed(kPreserveErrorLabel, "true");
}

}  // namespace cordwood::query
