// SPDX-License-Identifier: Apache-2.0
#include "query/query_limits.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

constexpr int64_t kHour = 3600 * kNsPerSecond;

TEST(QueryLimits, MetadataRanges) {
  constexpr int64_t kNow = 1000 * kHour;
  const auto f = [](int64_t start_ns, int64_t end_ns, int64_t lookback_ns, const std::string& want) {
    QueryLimits limits;
    limits.max_query_lookback_ns = lookback_ns;
    const auto visible = limit_metadata_range(limits, kNow, &start_ns, end_ns);
    const std::string got = !visible.ok() ? visible.error().message
                            : *visible    ? "from " + std::to_string(start_ns / kHour)
                                          : "nothing";
    EXPECT_EQ(got, want) << start_ns << " " << end_ns << " " << lookback_ns;
  };
  f(10 * kHour, 20 * kHour, 0, "from 10");
  f(10 * kHour, 10 * kHour, 0, "from 10");
  f(10 * kHour, 731 * kHour, 0, "from 10");
  f(10 * kHour, 732 * kHour, 0, "the query time range exceeds the limit (query length: 722h0m0s, limit: 30d1h)");
  f(std::numeric_limits<int64_t>::min(), kNow, 0,
    "the query time range exceeds the limit (query length: 2562047h47m16.854775807s, limit: 30d1h)");
  f(20 * kHour, 10 * kHour, 0, "this data is no longer available, it is past now - max_query_lookback (0s)");
  f(kNow, std::numeric_limits<int64_t>::min(), 0,
    "this data is no longer available, it is past now - max_query_lookback (0s)");
  f(0, kNow, 2 * kHour, "from 998");
  f(999 * kHour, kNow, 2 * kHour, "from 999");
  f(0, 900 * kHour, 2 * kHour, "nothing");
  f(kNow, 999 * kHour, 2 * kHour, "this data is no longer available, it is past now - max_query_lookback (2h)");
}

TEST(QueryLimits, SeriesBeyondTheLimit) {
  const auto f = [](uint64_t limit, bool partial, uint64_t series, uint64_t want, const std::string& text) {
    ReadContext context;
    context.limits.max_query_series = limit;
    context.takes_partial_series = partial;
    std::vector<std::string> warnings;
    const auto admitted = admit_series(context, series, &warnings);
    EXPECT_EQ(admitted.ok() ? *admitted : 0, want) << limit << " " << series;
    const std::string said = !admitted.ok() ? admitted.error().message : warnings.empty() ? "" : warnings.front();
    EXPECT_EQ(said, text) << limit << " " << series;
  };
  f(5, false, 5, 5, "");
  f(5, true, 5, 5, "");
  f(0, false, 5000, 5000, "");
  f(5, true, 6, 5, "maximum number of series (5) reached for a single query; returning partial results");
  f(5, false, 6, 0,
    "maximum number of series (5) reached for a single query; consider reducing query cardinality by adding more "
    "specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or "
    "topk()");
}

TEST(QueryLimits, OnlyOneSpellingOfAllStreamsHasAVolume) {
  QueryStore store;
  const auto f = [&](const std::string& query, const std::string& want) {
    VolumeRequest request;
    request.query = query;
    request.start_ns = kTestStartNs;
    request.end_ns = kTestStartNs + kHour;
    const auto answer = store.queries().volume(store.context(), request);
    const auto* error = std::get_if<QueryError>(&answer);
    EXPECT_EQ(error != nullptr ? error->message.substr(0, 60) : "ok", want.substr(0, 60)) << query;
  };
  const std::string needs = "parse error : queries require at least one regexp or equality matcher that does not";
  f("{}", "ok");
  f(R"({app="x"})", "ok");
  f("{ }", needs);
  f(R"({app=~".*"})", needs);
  f("", "parse error : syntax error: unexpected $end");
  f(R"({app="x"} | json)", "only label matchers are supported");
}

TEST(QueryLimits, EveryMetadataReadKnowsThem) {
  QueryStore store;
  PushBody body(R"({"app":"x"})");
  body.add(kTestStartNs, "line");
  store.push_json(body.text());
  const QueryEngine& engine = store.queries();
  const auto text = [](const auto& answer) {
    const auto* error = std::get_if<QueryError>(&answer);
    return error != nullptr ? std::to_string(error->status) + " " + error->message : "ok";
  };
  const auto all = [&](int64_t start_ns, int64_t end_ns, const std::string& want) {
    const ReadContext context = store.context();
    QueryStats stats;
    VolumeRequest volume;
    volume.query = "{}";
    volume.start_ns = start_ns;
    volume.end_ns = end_ns;
    EXPECT_EQ(text(engine.labels(context, "", start_ns, end_ns)), want);
    EXPECT_EQ(text(engine.label_values(context, "app", "", start_ns, end_ns)), want);
    EXPECT_EQ(text(engine.series(context, {}, start_ns, end_ns)), want);
    EXPECT_EQ(text(engine.index_stats(context, R"({app="x"})", start_ns, end_ns, &stats)), want);
    EXPECT_EQ(text(engine.volume(context, volume)), want);
  };
  all(kTestStartNs, kTestStartNs + kHour, "ok");
  all(kTestStartNs, kTestStartNs + 722 * kHour,
      "400 the query time range exceeds the limit (query length: 722h0m0s, limit: 30d1h)");
  all(kTestStartNs, kTestStartNs - 1, "400 this data is no longer available, it is past now - max_query_lookback (0s)");
}

}  // namespace
}  // namespace cordwood::query
