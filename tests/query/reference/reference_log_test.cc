// SPDX-License-Identifier: Apache-2.0
// Log queries: the engine in every form of storage against plain loops over a list.
// CORDWOOD_REFERENCE_QUERIES=100000 asks more of them, CORDWOOD_REFERENCE_SEED=7 others.
#include <cstdlib>

#include "query/logql_parser.h"
#include "tests/query/query_answers.h"
#include "tests/query/reference/log_answer.h"
#include "tests/query/reference/random_queries.h"
#include "tests/query/reference/stores.h"

namespace cordwood::query::reference {

namespace {

RangeRequest random_request(Random& random, const std::vector<Entry>& entries) {
  RangeRequest request;
  request.query = random_log_query(random);
  request.start_ns = kTestStartNs;
  request.end_ns = kTestStartNs + 3600 * kNsPerSecond;
  if (random.one_in(3)) request.start_ns = entries[random.below(entries.size())].time_ns;
  if (random.one_in(3)) request.end_ns = entries[random.below(entries.size())].time_ns;
  if (request.start_ns > request.end_ns) std::swap(request.start_ns, request.end_ns);
  if (request.start_ns == request.end_ns) ++request.end_ns;
  request.limit = random.one_in(2) ? 5000 : 1 + static_cast<uint32_t>(random.below(60));
  request.direction = random.one_in(2) ? Direction::forward : Direction::backward;
  return request;
}

std::string first_difference(const std::vector<std::string>& got, const std::vector<std::string>& want) {
  for (size_t i = 0; i < std::max(got.size(), want.size()); ++i) {
    const std::string a = i < got.size() ? got[i] : "nothing", b = i < want.size() ? want[i] : "nothing";
    if (a != b) return "line " + std::to_string(i) + "\n got " + a + "\nwant " + b;
  }
  return "";
}

TEST(Reference, AnswersLogQueriesAlike) {
  const char* wanted = std::getenv("CORDWOOD_REFERENCE_QUERIES");
  const char* first = std::getenv("CORDWOOD_REFERENCE_SEED");
  const size_t queries = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 300;
  uint64_t seed = first != nullptr ? std::strtoull(first, nullptr, 10) : 1;
  size_t lines = 0, empty = 0;
  for (size_t asked = 0; asked < queries && !::testing::Test::HasFailure(); ++seed) {
    const std::vector<Push> pushes = random_pushes(seed, seed % 2 == 0);
    const std::vector<Entry> entries = stored_entries(pushes);
    const AllForms forms(pushes);
    Random random(seed * 1000);
    for (int i = 0; i < 75 && asked < queries && !::testing::Test::HasFailure(); ++i, ++asked) {
      const RangeRequest request = random_request(random, entries);
      const auto expr = parse_logql(request.query);
      ASSERT_TRUE(expr.ok()) << request.query << ": " << expr.error().message;
      QueryResult want;
      want.data = answer_log(*as_log_query(**expr), request, entries);
      const auto want_text = answer_text(want);
      empty += want_text.empty();
      lines += want_text.size();
      for (size_t form = 0; form < 4; ++form) {
        const auto got = answer_text(forms.stores[form].range(request));
        ASSERT_EQ(first_difference(got, want_text), "")
            << "seed " << seed << " " << kFormNames[form] << ": " << request.query << " from " << request.start_ns
            << " to " << request.end_ns << " limit " << request.limit
            << (request.direction == Direction::forward ? " forward" : " backward");
      }
    }
  }
  EXPECT_GT(lines, queries);
  EXPECT_LT(empty, queries / 2);
}

}  // namespace

}  // namespace cordwood::query::reference
