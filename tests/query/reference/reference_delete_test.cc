// SPDX-License-Identifier: Apache-2.0
// Deleted and held rows: the engine in every form of storage against plain loops over a list.
// CORDWOOD_REFERENCE_QUERIES=100000 asks more of it, CORDWOOD_REFERENCE_SEED=7 others.
#include <cstdlib>

#include "query/logql_parser.h"
#include "tests/query/reference/log_answer.h"
#include "tests/query/reference/metric_difference.h"
#include "tests/query/reference/stores.h"

namespace cordwood::query::reference {

namespace {

struct Acts {
  std::vector<DeleteRequest> deletes;
  std::vector<LegalHold> holds;
};

int64_t random_time(Random& random, const std::vector<Entry>& entries) {
  return entries[random.below(entries.size())].time_ns;
}

Acts random_acts(Random& random, const std::vector<Entry>& entries) {
  Acts acts;
  const size_t deletes = 1 + random.below(3);
  for (size_t i = 0; i < deletes; ++i) {
    DeleteRequest request;
    request.id = "d" + std::to_string(i);
    request.query = random_log_query(random);
    request.start_ns = random.one_in(2) ? kTestStartNs : random_time(random, entries);
    request.end_ns = random.one_in(2) ? kTestStartNs + 3600 * kNsPerSecond : random_time(random, entries);
    acts.deletes.push_back(request);
  }
  if (random.one_in(3)) {
    constexpr const char* kSelectors[] = {R"({app="a"})", R"({app=~".+"})", R"({env!="prod"})", R"({app=~"[bc]"})"};
    const std::string selector = kSelectors[random.below(std::size(kSelectors))];
    acts.holds.push_back({"h", "", selector, random_time(random, entries), random_time(random, entries), "", 0});
  }
  return acts;
}

/// Whether a query means an entry.
bool means(const std::string& text, const Entry& entry, Regexes* regexes) {
  const auto query = parse_log_selector(text);
  CHECK(query.ok(), "{}", text);
  return Pipeline(*query, {}, regexes).run(entry).has_value();
}

std::vector<Entry> entries_left(const std::vector<Entry>& entries, const Acts& acts) {
  Regexes regexes;
  std::vector<Entry> left;
  for (const Entry& entry : entries) {
    const auto covers = [&](const auto& act, const std::string& text) {
      return entry.time_ns >= act.start_ns && entry.time_ns <= act.end_ns && means(text, entry, &regexes);
    };
    bool gone = false, held = false;
    for (const DeleteRequest& request : acts.deletes) gone = gone || covers(request, request.query);
    for (const LegalHold& hold : acts.holds) held = held || covers(hold, hold.selector);
    if (!gone || held) left.push_back(entry);
  }
  return left;
}

TEST(Reference, NothingDeletedIsSeen) {
  const char* wanted = std::getenv("CORDWOOD_REFERENCE_QUERIES");
  const char* first = std::getenv("CORDWOOD_REFERENCE_SEED");
  const size_t queries = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 300;
  uint64_t seed = first != nullptr ? std::strtoull(first, nullptr, 10) : 1;
  size_t lines = 0, deleted = 0, rows = 0;
  for (size_t asked = 0; asked < queries && !::testing::Test::HasFailure(); ++seed) {
    const std::vector<Push> pushes = random_pushes(seed, seed % 2 == 0);
    const std::vector<Entry> entries = stored_entries(pushes);
    AllForms forms(pushes);
    Random random(seed * 1000 + 2);
    const Acts acts = random_acts(random, entries);
    std::string told = "seed " + std::to_string(seed);
    for (const DeleteRequest& d : acts.deletes) {
      told += fmt::format("\n delete {} from {} to {}", d.query, d.start_ns, d.end_ns);
    }
    for (const LegalHold& h : acts.holds)
      told += fmt::format("\n hold {} from {} to {}", h.selector, h.start_ns, h.end_ns);
    for (FormedStore& store : forms.stores) {
      for (const LegalHold& hold : acts.holds) store.set_hold(hold);
      for (const DeleteRequest& request : acts.deletes) store.request_delete(request);
    }
    const std::vector<Entry> left = entries_left(entries, acts);
    rows += entries.size();
    deleted += entries.size() - left.size();
    for (int i = 0; i < 30 && asked < queries && !::testing::Test::HasFailure(); ++i, ++asked) {
      RangeRequest log;
      log.query = i == 0 ? R"({app=~".+"})" : random_log_query(random);
      log.start_ns = kTestStartNs;
      log.end_ns = kTestStartNs + 3601 * kNsPerSecond;
      log.limit = 5000;
      QueryResult want;
      const auto log_expr = parse_logql(log.query);
      ASSERT_TRUE(log_expr.ok()) << log.query << ": " << log_expr.error().message;
      want.data = answer_log(*as_log_query(**log_expr), log, left);
      const auto want_text = answer_text(want);
      lines += want_text.size();
      const RangeRequest metric = random_metric_request(random);
      const auto metric_expr = parse_logql(metric.query);
      ASSERT_TRUE(metric_expr.ok()) << metric.query << ": " << metric_expr.error().message;
      const auto times = step_times(metric.start_ns, metric.end_ns, metric.step_ns);
      const MetricAnswer want_metric = answer_metric(**metric_expr, times, left);
      for (size_t form = 0; form < 4; ++form) {
        ASSERT_EQ(answer_text(forms.stores[form].range(log)), want_text) << told << "\n"
                                                                         << kFormNames[form] << ": " << log.query;
        if (want_metric.trouble == Trouble::ambiguous) continue;
        ASSERT_EQ(difference(forms.stores[form].range(metric), want_metric), "")
            << told << "\n"
            << kFormNames[form] << ": " << metric.query << " from " << metric.start_ns << " to " << metric.end_ns
            << " step " << metric.step_ns;
      }
    }
  }
  EXPECT_GT(lines, queries);
  EXPECT_GT(deleted, rows / 20);
  EXPECT_LT(deleted, rows * 9 / 10);
}

}  // namespace

}  // namespace cordwood::query::reference
