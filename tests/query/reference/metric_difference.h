// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "tests/query/query_answers.h"
#include "tests/query/reference/metric_answer.h"
#include "tests/query/reference/random_entries.h"
#include "tests/query/reference/random_queries.h"

namespace cordwood::query::reference {

inline RangeRequest random_metric_request(Random& random) {
  RangeRequest request;
  request.query = random_metric_query(random);
  constexpr int64_t kSteps[] = {15, 30, 45, 60, 61, 120, 300, 600, 1800};
  request.step_ns = kSteps[random.below(std::size(kSteps))] * kNsPerSecond;
  request.start_ns = kTestStartNs + static_cast<int64_t>(random.below(1800)) * kNsPerSecond;
  request.end_ns = request.start_ns + static_cast<int64_t>(1 + random.below(2400)) * kNsPerSecond;
  if (random.one_in(4)) request.end_ns += static_cast<int64_t>(random.below(kNsPerSecond));
  return request;
}

inline bool near(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || a == b ||
         std::abs(a - b) <= 1e-9 * std::max({std::abs(a), std::abs(b), 1e-3});
}

inline std::string at(const LabelMap& labels, int64_t time_ms) {
  return label_string(labels) + " at " + std::to_string(time_ms) + ": ";
}

inline std::string difference_of_series(const std::vector<Series>& got, const MetricAnswer& want) {
  auto expected = want.series.begin();
  for (const Series& series : got) {
    const LabelMap labels(series.labels.begin(), series.labels.end());
    if (expected == want.series.end()) return "unexpected " + label_string(labels);
    if (labels != expected->first) return "got " + label_string(labels) + ", want " + label_string(expected->first);
    for (size_t i = 0; i < std::max(series.samples.size(), expected->second.size()); ++i) {
      if (i >= series.samples.size()) return at(labels, expected->second[i].first / 1'000'000) + "missing";
      const Sample& sample = series.samples[i];
      if (i >= expected->second.size()) return at(labels, sample.time_ms) + "unexpected";
      const auto [time_ns, value] = expected->second[i];
      if (sample.time_ms != time_ns / 1'000'000)
        return at(labels, sample.time_ms) + "want time " + std::to_string(time_ns);
      if (!near(sample.value, value))
        return at(labels, sample.time_ms) + "got " + format_float(sample.value) + ", want " + format_float(value);
    }
    ++expected;
  }
  return expected == want.series.end() ? "" : "missing " + label_string(expected->first);
}

/// Nothing when the engine's answer is the one wanted.
inline std::string difference(const Answer<QueryResult>& got, const MetricAnswer& want) {
  const int want_status = want.trouble == Trouble::pipeline_error ? 400 : want.trouble == Trouble::matching ? 500 : 200;
  if (const auto* error = std::get_if<QueryError>(&got)) {
    return error->status == want_status ? "" : "got " + std::to_string(error->status) + " " + error->message;
  }
  if (want_status != 200) return "got an answer, want " + std::to_string(want_status);
  const QueryResult& result = std::get<QueryResult>(got);
  if (const auto* matrix = std::get_if<Matrix>(&result.data)) return difference_of_series(matrix->series, want);
  return difference_of_series(std::get<Vector>(result.data).series, want);
}

}  // namespace cordwood::query::reference
