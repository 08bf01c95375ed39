// SPDX-License-Identifier: Apache-2.0
// Metric queries: the engine in every form of storage against plain loops over a list.
// CORDWOOD_REFERENCE_QUERIES=100000 asks more of them, CORDWOOD_REFERENCE_SEED=7 others.
#include <cmath>
#include <cstdlib>

#include "query/logql_parser.h"
#include "tests/query/query_answers.h"
#include "tests/query/reference/metric_answer.h"
#include "tests/query/reference/random_queries.h"
#include "tests/query/reference/stores.h"

namespace cordwood::query::reference {

namespace {

RangeRequest random_request(Random& random) {
  RangeRequest request;
  request.query = random_metric_query(random);
  constexpr int64_t kSteps[] = {15, 30, 45, 60, 61, 120, 300, 600, 1800};
  request.step_ns = kSteps[random.below(std::size(kSteps))] * kNsPerSecond;
  request.start_ns = kTestStartNs + static_cast<int64_t>(random.below(1800)) * kNsPerSecond;
  request.end_ns = request.start_ns + static_cast<int64_t>(1 + random.below(2400)) * kNsPerSecond;
  if (random.one_in(4)) request.end_ns += static_cast<int64_t>(random.below(kNsPerSecond));
  return request;
}

bool near(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || a == b ||
         std::abs(a - b) <= 1e-9 * std::max({std::abs(a), std::abs(b), 1e-3});
}

std::string at(const LabelMap& labels, int64_t time_ms) {
  return label_string(labels) + " at " + std::to_string(time_ms) + ": ";
}

std::string difference_of_series(const std::vector<Series>& got, const MetricAnswer& want) {
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

std::string difference(const Answer<QueryResult>& got, const MetricAnswer& want) {
  const int want_status = want.trouble == Trouble::pipeline_error ? 400 : want.trouble == Trouble::matching ? 500 : 200;
  if (const auto* error = std::get_if<QueryError>(&got)) {
    return error->status == want_status ? "" : "got " + std::to_string(error->status) + " " + error->message;
  }
  if (want_status != 200) return "got an answer, want " + std::to_string(want_status);
  const QueryResult& result = std::get<QueryResult>(got);
  if (const auto* matrix = std::get_if<Matrix>(&result.data)) return difference_of_series(matrix->series, want);
  return difference_of_series(std::get<Vector>(result.data).series, want);
}

TEST(Reference, AnswersMetricQueriesAlike) {
  const char* wanted = std::getenv("CORDWOOD_REFERENCE_QUERIES");
  const char* first = std::getenv("CORDWOOD_REFERENCE_SEED");
  const size_t queries = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 240;
  uint64_t seed = first != nullptr ? std::strtoull(first, nullptr, 10) : 1;
  size_t series = 0, ambiguous = 0, errors = 0, empty = 0;
  for (size_t asked = 0; asked < queries && !::testing::Test::HasFailure(); ++seed) {
    const std::vector<Push> pushes = random_pushes(seed, seed % 2 == 0);
    const std::vector<Entry> entries = stored_entries(pushes);
    const AllForms forms(pushes);
    Random random(seed * 1000 + 1);
    for (int i = 0; i < 60 && asked < queries && !::testing::Test::HasFailure(); ++i, ++asked) {
      const RangeRequest request = random_request(random);
      InstantRequest instant;
      instant.query = request.query;
      instant.time_ns = request.start_ns;
      const bool at_once = random.one_in(5);
      const auto expr = parse_logql(request.query);
      ASSERT_TRUE(expr.ok()) << request.query << ": " << expr.error().message;
      const auto times = at_once ? std::vector<int64_t>{instant.time_ns}
                                 : step_times(request.start_ns, request.end_ns, request.step_ns);
      const MetricAnswer want = answer_metric(**expr, times, entries);
      if (want.trouble == Trouble::ambiguous) {
        ++ambiguous;
        continue;
      }
      empty += want.series.empty();
      series += want.series.size();
      errors += want.trouble != Trouble::none;
      for (size_t form = 0; form < 4; ++form) {
        const auto got = at_once ? forms.stores[form].instant(instant) : forms.stores[form].range(request);
        ASSERT_EQ(difference(got, want), "")
            << "seed " << seed << " " << kFormNames[form] << ": " << request.query << " from " << request.start_ns
            << (at_once ? " at once"
                        : " to " + std::to_string(request.end_ns) + " step " + std::to_string(request.step_ns));
      }
    }
  }
  EXPECT_GT(series, queries);
  EXPECT_LT(ambiguous, queries / 10);
  EXPECT_LT(empty, queries * 2 / 3);
  EXPECT_LT(errors, queries / 4);
}

}  // namespace

}  // namespace cordwood::query::reference
