// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/range_samples.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/query/reference/units.h"

namespace cordwood::query::reference {

namespace {

Reading read(UnwrapConversion conversion, const std::string& text) {
  if (conversion == UnwrapConversion::none) return read_number(text);
  if (conversion == UnwrapConversion::bytes) return read_bytes(text);
  Reading reading = read_duration(text);
  if (double* ns = std::get_if<double>(&reading)) *ns /= 1e9;
  return reading;
}

double quantile(std::vector<double> values, double q) {
  if (q > 1) return INFINITY;
  std::sort(values.begin(), values.end());
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(std::floor(rank));
  const size_t above = std::min(below + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[below] * (1 - weight) + values[above] * weight;
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

double variance(const std::vector<double>& values) {
  const double mean = sum_of(values) / static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size());
}

}  // namespace

void note(Trouble trouble, Trouble* all) {
  if (trouble == Trouble::none) return;
  *all = *all == Trouble::none || *all == trouble ? trouble : Trouble::ambiguous;
}

RangeSamples::RangeSamples(const RangeAggregation& aggregation, const Grouping* outer,
                           const std::vector<Entry>& entries)
    : aggregation_(aggregation) {
  const auto& unwrap = aggregation.range.unwrap;
  Regexes regexes;
  const Pipeline pipeline(aggregation.range.query, unwrap ? unwrap->filters : std::vector<LabelFilterPtr>(), &regexes);
  const bool bytes = aggregation.op == RangeOp::bytes || aggregation.op == RangeOp::bytes_rate;
  for (const Entry& entry : entries) {
    auto row = pipeline.run(entry);
    if (!row) continue;
    double value = bytes ? static_cast<double>(row->line.size()) : 1;
    if (unwrap) {
      const auto text = row->get(unwrap->name);
      if (!text || text->empty()) continue;
      const Reading reading = read(unwrap->conversion, *text);
      if (const double* number = std::get_if<double>(&reading)) {
        value = *number;
      } else {
        row->error = "SampleExtractionErr";
      }
      const bool passed = std::all_of(unwrap->filters.begin(), unwrap->filters.end(),
                                      [&](const LabelFilterPtr& filter) { return passes(*filter, &*row, &regexes); });
      if (!passed) continue;
    }
    series_[series_labels(row->labels(), outer)].push_back({entry.time_ns, value});
  }
}

LabelMap RangeSamples::series_labels(LabelMap labels, const Grouping* outer) const {
  if (labels.contains("__error__")) return labels;
  const Grouping* grouping = aggregation_.grouping ? &*aggregation_.grouping : outer;
  const auto listed = [&](const std::string& name) {
    return std::find(grouping->labels.begin(), grouping->labels.end(), name) != grouping->labels.end();
  };
  const bool by = grouping != nullptr && !grouping->without;
  if (!by && aggregation_.range.unwrap) labels.erase(aggregation_.range.unwrap->name);
  if (grouping != nullptr) std::erase_if(labels, [&](const auto& label) { return listed(label.first) != by; });
  return labels;
}

InstantVector RangeSamples::at(int64_t time_ns, Trouble* trouble) const {
  InstantVector out;
  const int64_t end_ns = time_ns - aggregation_.range.offset_ns;
  const int64_t begin_ns = end_ns - aggregation_.range.range_ns;
  for (const auto& [labels, samples] : series_) {
    std::vector<Sample> inside;
    std::copy_if(samples.begin(), samples.end(), std::back_inserter(inside),
                 [&](const Sample& sample) { return sample.time_ns > begin_ns && sample.time_ns <= end_ns; });
    if (inside.empty()) continue;
    // Parsers that need only the labels of a grouping may never meet the error.
    const Trouble error = aggregation_.grouping ? Trouble::ambiguous : Trouble::pipeline_error;
    if (labels.contains("__error__")) note(error, trouble);
    out[labels] = fold(std::move(inside), trouble);
  }
  if (aggregation_.op != RangeOp::absent) return out;
  return out.empty() ? InstantVector{{absent_labels(), 1}} : InstantVector{};
}

double RangeSamples::fold(std::vector<Sample> samples, Trouble* trouble) const {
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.time_ns < b.time_ns; });
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.value);
  const size_t n = samples.size();
  const double seconds = static_cast<double>(aggregation_.range.range_ns) / 1e9;
  const auto tie = [&](size_t a, size_t b) {
    if (n > 1 && samples[a].time_ns == samples[b].time_ns && values[a] != values[b]) note(Trouble::ambiguous, trouble);
  };
  switch (aggregation_.op) {
    case RangeOp::count:
    case RangeOp::absent: return static_cast<double>(n);
    case RangeOp::bytes:
    case RangeOp::sum: return sum_of(values);
    case RangeOp::rate:
    case RangeOp::bytes_rate: return sum_of(values) / seconds;
    case RangeOp::avg: return sum_of(values) / static_cast<double>(n);
    case RangeOp::min: return *std::min_element(values.begin(), values.end());
    case RangeOp::max: return *std::max_element(values.begin(), values.end());
    case RangeOp::stdvar: return variance(values);
    case RangeOp::stddev: return std::sqrt(variance(values));
    case RangeOp::quantile: return quantile(values, aggregation_.parameter);
    case RangeOp::first: tie(0, 1); return values.front();
    case RangeOp::last: tie(n - 1, n - 2); return values.back();
    case RangeOp::rate_counter: break;
  }
  std::abort();  // not among the queries that are made
}

/// What the selector says for sure.
LabelMap RangeSamples::absent_labels() const {
  LabelMap out;
  std::map<std::string, int> uses;
  for (const Matcher& matcher : aggregation_.range.query.matchers) {
    ++uses[matcher.name()];
    if (matcher.op() == MatchOp::equal && !matcher.value().empty()) out[matcher.name()] = matcher.value();
  }
  std::erase_if(out, [&](const auto& label) { return uses[label.first] > 1; });
  return out;
}

}  // namespace cordwood::query::reference
