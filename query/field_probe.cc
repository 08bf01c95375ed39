// SPDX-License-Identifier: Apache-2.0
#include "query/field_probe.h"

#include <algorithm>
#include <bit>

#include "query/cell_text.h"
#include "query/label_predicate.h"
#include "storage/column_text.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

/// The label and a text that tells the filter from all others.
struct Description {
  std::string label;
  std::string rest;
};

struct Describer {
  Description operator()(const StringLabelFilter& f) const {
    return {f.matcher.name(), fmt::format("s{} {}", static_cast<int>(f.matcher.op()), f.matcher.value())};
  }
  Description operator()(const NumberLabelFilter& f) const {
    return {f.name, fmt::format("n{} {:x}", static_cast<int>(f.op), std::bit_cast<uint64_t>(f.value))};
  }
  Description operator()(const DurationLabelFilter& f) const {
    return {f.name, fmt::format("d{} {}", static_cast<int>(f.op), f.value_ns)};
  }
  Description operator()(const BytesLabelFilter& f) const {
    return {f.name, fmt::format("b{} {}", static_cast<int>(f.op), f.value_bytes)};
  }
  // Passes rows that have an error, whatever their labels.
  Description operator()(const IpLabelFilter&) const { return {}; }
  Description operator()(const AndLabelFilter&) const { return {}; }
  Description operator()(const OrLabelFilter&) const { return {}; }
};

/// Runs the filter on a row that has nothing but the label.
bool passes(const LabelPredicate& predicate, const std::string& label, std::string_view value) {
  PipelineRow row;
  row.labels.set_parsed(label, value);
  return predicate.matches(row);
}

/// Whether a parser, or a clash of names, can make the label of a field.
bool may_become(ColumnSource source, const std::vector<std::string>& path, const std::string& label,
                const std::string& bare) {
  if (path.empty() || std::any_of(path.begin(), path.end(), has_replacement_rune)) return true;
  if (source == ColumnSource::metadata && (path[0] == label || path[0] == bare)) return true;
  const std::string name = joined_label_name(path);
  return name == label || name == bare;
}

bool accepts_range(const NumberLabelFilter& filter, double min, double max) {
  switch (filter.op) {
    case CompareOp::equal: return min <= filter.value && filter.value <= max;
    case CompareOp::not_equal: return min != filter.value || max != filter.value;
    case CompareOp::greater:
    case CompareOp::greater_equal: return compare(filter.op, max, filter.value);
    case CompareOp::less:
    case CompareOp::less_equal: return compare(filter.op, min, filter.value);
  }
  return true;
}

}  // namespace

std::string label_of(const LabelFilter& filter) {
  return std::visit(Describer{}, filter.node).label;
}

std::shared_ptr<const FieldProbe> make_field_probe(const LabelFilter& filter, bool json, bool logfmt) {
  const Description described = std::visit(Describer{}, filter.node);
  const std::string& label = described.label;
  if (label.empty() || label.starts_with("__")) return nullptr;
  Result<LabelPredicatePtr> made = make_label_predicate(filter);
  if (!made.ok()) return nullptr;
  const LabelPredicatePtr predicate = *made;
  const auto* text = std::get_if<StringLabelFilter>(&filter.node);
  // Filters on numbers refuse rows without the label; those on strings see an empty value.
  if (text != nullptr && passes(*predicate, label, "")) return nullptr;
  auto probe = std::make_shared<FieldProbe>();
  probe->key = fmt::format("{}{}{}\n{}", json ? 'j' : '-', logfmt ? 'l' : '-', label, described.rest);
  probe->json = json;
  probe->logfmt = logfmt;
  if (text != nullptr && text->matcher.op() == MatchOp::equal) probe->equals = text->matcher.value();
  // Where stream or metadata have a name, a field of that name becomes `name_extracted`.
  const std::string bare =
      label.ends_with(kExtractedSuffix) ? label.substr(0, label.size() - kExtractedSuffix.size()) : label;
  probe->may_become = [label, bare](ColumnSource source, const std::vector<std::string>& path) {
    return may_become(source, path, label, bare);
  };
  probe->accepts = [predicate, label](std::string_view value) { return passes(*predicate, label, value); };
  if (probe->equals) {
    // What is no number is not among numbers.
    probe->accepts_range = [number = parse_plain_float(*probe->equals)](double min, double max) {
      return number && min <= *number && *number <= max;
    };
  }
  if (const auto* number = std::get_if<NumberLabelFilter>(&filter.node)) {
    probe->accepts_range = [filter = *number](double min, double max) { return accepts_range(filter, min, max); };
  }
  return probe;
}

}  // namespace cordwood::query
