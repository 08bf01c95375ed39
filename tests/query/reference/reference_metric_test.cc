// SPDX-License-Identifier: Apache-2.0
// Metric queries: the engine in every form of storage against plain loops over a list.
// CORDWOOD_REFERENCE_QUERIES=100000 asks more of them, CORDWOOD_REFERENCE_SEED=7 others.
#include <cstdlib>

#include "query/logql_parser.h"
#include "tests/query/query_answers.h"
#include "tests/query/reference/metric_difference.h"
#include "tests/query/reference/random_queries.h"
#include "tests/query/reference/stores.h"

namespace cordwood::query::reference {

namespace {

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
      const RangeRequest request = random_metric_request(random);
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
