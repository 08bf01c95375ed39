// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/pipeline.h"

#include <algorithm>
#include <cstdlib>

namespace cordwood::query::reference {

namespace {

const NamedLabel* find(const std::vector<NamedLabel>& list, const std::string& name, const std::string& value,
                       Regexes* regexes) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const NamedLabel& label) {
    return label.name == name && (!label.matcher || matches(*label.matcher, value, regexes));
  });
  return at == list.end() ? nullptr : &*at;
}

void drop(const std::vector<NamedLabel>& list, bool listed, Row* row, Regexes* regexes) {
  for (const LabelMap& labels : {row->stream, row->metadata, row->parsed}) {
    for (const auto& [name, unused] : labels) {
      const auto value = row->get(name);
      if (value && (find(list, name, *value, regexes) != nullptr) == listed) row->remove(name);
    }
  }
  if (listed && find(list, "__error__", row->error, regexes) != nullptr) row->error.clear();
  if (listed && find(list, "__error_details__", row->details, regexes) != nullptr) row->details.clear();
}

/// A value may not hold U+FFFD.
std::string as_label_value(std::string value) {
  const std::string replacement = "\xef\xbf\xbd";
  for (size_t at = 0; (at = value.find(replacement, at)) != std::string::npos;) value.replace(at, 3, " ");
  return value;
}

}  // namespace

Pipeline::Pipeline(const LogQuery& query, const std::vector<LabelFilterPtr>& filters, Regexes* regexes)
    : query_(query), regexes_(regexes) {
  for (const Stage& stage : query.stages) {
    if (const auto* filter = std::get_if<LabelFilterStage>(&stage)) guard(filter->filter);
  }
  if (filters.size() == 1) guard(filters[0]);
}

void Pipeline::guard(const LabelFilterPtr& filter) {
  if (const auto* string = std::get_if<StringLabelFilter>(&filter->node)) {
    guards_.emplace(string->matcher.name(), filter.get());
  }
  if (const auto* number = std::get_if<NumberLabelFilter>(&filter->node)) guards_.emplace(number->name, filter.get());
  if (const auto* duration = std::get_if<DurationLabelFilter>(&filter->node)) {
    guards_.emplace(duration->name, filter.get());
  }
  if (const auto* bytes = std::get_if<BytesLabelFilter>(&filter->node)) guards_.emplace(bytes->name, filter.get());
}

std::optional<Row> Pipeline::run(const Entry& entry) const {
  if (!selected(query_.matchers, entry.stream, regexes_)) return std::nullopt;
  Row row(entry);
  for (const Stage& stage : query_.stages) {
    if (!apply(stage, &row)) return std::nullopt;
  }
  return row;
}

bool Pipeline::apply(const Stage& stage, Row* row) const {
  if (const auto* lines = std::get_if<LineFilterStage>(&stage)) return passes(*lines, row->line, regexes_);
  if (const auto* labels = std::get_if<LabelFilterStage>(&stage)) return passes(*labels->filter, row, regexes_);
  if (const auto* dropped = std::get_if<DropStage>(&stage)) {
    drop(dropped->labels, true, row, regexes_);
    return true;
  }
  if (const auto* kept = std::get_if<KeepStage>(&stage)) {
    drop(kept->labels, false, row, regexes_);
    return true;
  }
  if (const auto* logfmt = std::get_if<LogfmtStage>(&stage)) {
    return extract(logfmt_fields(row->line, logfmt->keep_empty), row);
  }
  if (!std::holds_alternative<JsonStage>(stage)) std::abort();
  const Fields fields = json_fields(row->line);
  if (!extract(fields, row)) return false;
  if (!fields.valid) {
    row->error = "JSONParserErr";
    row->details = "Value looks like object, but can't find closing '}' symbol";
  }
  return true;
}

bool Pipeline::extract(const Fields& fields, Row* row) const {
  for (const auto& [key, value] : fields.pairs) {
    const std::string name = row->parsed_name(key);
    if (!row->extracted.insert(name).second) continue;  // the first value wins
    row->parsed[name] = as_label_value(value);
    const auto guard = guards_.find(name);
    if (guard != guards_.end() && !passes(*guard->second, row, regexes_)) return false;
  }
  return true;
}

}  // namespace cordwood::query::reference
