// SPDX-License-Identifier: Apache-2.0
// Where blocks of a stream overlap, and what is counted there.
#include "query/read_plan.h"

#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

constexpr int64_t kSecondsPerRow = 10;

/// A block with a row each ten seconds, from one second to another of the hour.
void push_block(QueryStore* store, const std::string& app, int64_t from_s, int64_t to_s,
                const std::string& word = "row") {
  PushBody body(R"({"app":")" + app + R"("})");
  for (int64_t s = from_s; s <= to_s; s += kSecondsPerRow)
    body.add(kTestStartNs + s * kNsPerSecond, word + " " + std::to_string(s));
  store->push_json(body.text());
}

ReadPlan plan_of(const QueryStore& store) {
  const SnapshotPtr snapshot = store.environment().snapshot();
  std::vector<StreamPtr> streams;
  std::vector<BlockSourcePtr> blocks = snapshot->blocks("fake", TimeRange::all());
  for (const BlockSourcePtr& block : blocks) {
    for (const BlockStream& part : block->info().streams) {
      const auto known = [&part](const StreamPtr& stream) { return stream->same_as(*part.stream); };
      if (std::none_of(streams.begin(), streams.end(), known)) streams.push_back(part.stream);
    }
  }
  return plan_streams(snapshot, TimeRange::all(), streams, std::move(blocks));
}

const PlannedStream& stream_of(const ReadPlan& plan, std::string_view app) {
  return *std::find_if(plan.streams.begin(), plan.streams.end(),
                       [app](const PlannedStream& stream) { return stream.stream->labels.get("app") == app; });
}

/// In seconds of the hour.
std::vector<std::pair<int64_t, int64_t>> overlaps_of(const PlannedStream& stream) {
  std::vector<std::pair<int64_t, int64_t>> out;
  for (const TimeSpan& span : stream.overlaps)
    out.emplace_back((span.first_ns - kTestStartNs) / kNsPerSecond, (span.last_ns - kTestStartNs) / kNsPerSecond);
  return out;
}

class ReadPlanTest : public testing::Test {
 protected:
  double count(const std::string& query) {
    RangeRequest request = hour_request("sum(count_over_time(" + query + " [1h]))");
    request.start_ns = request.end_ns;
    const auto answer = store_.queries().range(store_.context(), request);
    const Matrix& matrix = std::get<Matrix>(std::get<QueryResult>(answer).data);
    return matrix.series.empty() ? 0 : matrix.series[0].samples.at(0).value;
  }
  QueryStore store_;
};

TEST_F(ReadPlanTest, OverlapsAreWhereTwoBlocksMeet) {
  push_block(&store_, "a", 0, 100);
  push_block(&store_, "b", 0, 100);
  store_.flush();
  push_block(&store_, "a", 90, 200);
  push_block(&store_, "b", 110, 200);
  store_.flush();
  push_block(&store_, "a", 200, 300);
  store_.flush();
  push_block(&store_, "a", 400, 500);
  store_.flush();
  const ReadPlan plan = plan_of(store_);
  const PlannedStream& a = stream_of(plan, "a");
  EXPECT_EQ(overlaps_of(a), (std::vector<std::pair<int64_t, int64_t>>{{90, 100}, {200, 200}}));
  EXPECT_TRUE(stream_of(plan, "b").overlaps.empty());
  ASSERT_EQ(plan.blocks.size(), 4u);
  for (const PlannedBlock& block : plan.blocks)
    EXPECT_EQ(block.contested, block.time_max_ns < kTestStartNs + 400 * kNsPerSecond);
  const auto at = [&a](int64_t s) { return a.contested(kTestStartNs + s * kNsPerSecond); };
  EXPECT_FALSE(at(89));
  EXPECT_TRUE(at(90) && at(95) && at(100) && at(200));
  EXPECT_FALSE(at(101) || at(199) || at(201) || at(450));
}

TEST_F(ReadPlanTest, OverlapsOfBlocksWithinOthersAreJoined) {
  push_block(&store_, "a", 0, 1000);
  store_.flush();
  for (const auto& [from_s, to_s] : {std::pair{100, 200}, {150, 170}, {190, 300}, {900, 1500}, {1200, 1300}}) {
    push_block(&store_, "a", from_s, to_s);
    store_.flush();
  }
  const ReadPlan plan = plan_of(store_);
  EXPECT_EQ(overlaps_of(stream_of(plan, "a")),
            (std::vector<std::pair<int64_t, int64_t>>{{100, 300}, {900, 1000}, {1200, 1300}}));
}

TEST_F(ReadPlanTest, CopiesCountOnceAndOtherRowsOfOneTimeEach) {
  push_block(&store_, "a", 10, 1000);
  store_.flush();
  push_block(&store_, "a", 950, 1500);          // six copies
  push_block(&store_, "a", 960, 970, "other");  // no copies, of the same times
  store_.flush();
  push_block(&store_, "a", 1500, 2000);  // one copy
  store_.flush();
  push_block(&store_, "a", 3000, 3100);
  for (const bool sealed : {false, true}) {
    if (sealed) store_.flush();
    for (int run = 0; run < 3; ++run) {  // what is kept of the first ones serves the next
      EXPECT_EQ(count(R"({app="a"})"), 200 + 2 + 11);
      EXPECT_EQ(count(R"({app="a"} |= "row")"), 200 + 11);
      EXPECT_EQ(count(R"({app="a"} |= "other")"), 2);
      EXPECT_EQ(count(R"({app="a"} |~ "row 9[56]0")"), 2);
    }
    const auto lines = answer_text(store_.queries().range(store_.context(), hour_request(R"({app="a"})")));
    EXPECT_EQ(lines.size(), 200u + 2 + 11);
  }
}

std::string id_of(int number) {
  const auto factor = static_cast<uint64_t>(number) + 1;
  return fmt::format("{:016x}{:016x}", 0x9E3779B97F4A7C15 * factor, 0x1F83D9ABFB41BD6B * factor);
}

TEST_F(ReadPlanTest, BlocksWithoutAnIdAreNotLookedAt) {
  constexpr int kSegments = 6;
  const auto push = [&](const std::string& labels, int at_s, const std::string& line) {
    PushBody body(labels);
    body.add(kTestStartNs + at_s * kNsPerSecond, line);
    store_.push_json(body.text());
  };
  for (int i = 0; i < kSegments; ++i) {
    push(R"({"app":"a"})", i, R"({"trace_id":")" + id_of(i) + R"("})");
    push(R"({"app":"b"})", i, "nothing of " + id_of(i + 100));
    if (i == 2) push(R"({"app":"c","trace_id":")" + id_of(4) + R"("})", i, "{}");
    store_.flush();
  }
  push(R"({"app":"a"})", kSegments, "not published: " + id_of(4));

  const auto ask = [&](const std::string& query, uint64_t max_bytes = 0) {
    ReadContext context = store_.context();
    context.limits.max_query_bytes_read = max_bytes;
    return store_.queries().range(context, hour_request(query));
  };
  const auto stats = [](const auto& answer) { return std::get<QueryResult>(answer).stats; };
  const auto lines = [](const auto& answer) { return answer_text(answer).size(); };

  const auto held = ask(R"({app="a"} |= ")" + id_of(4) + "\"");
  EXPECT_EQ(lines(held), 2u);
  EXPECT_EQ(stats(held).blocks_in_range, kSegments + 1u);
  EXPECT_EQ(stats(held).blocks_ruled_out, kSegments - 1u);
  const auto limited = ask(R"({app="a"} |= ")" + id_of(4) + "\"", 1u << 20);
  EXPECT_EQ(answer_text(limited), answer_text(held));
  EXPECT_EQ(answer_text(ask(R"({app="a"} |= ")" + id_of(4) + "\"", 10))[0].substr(0, 38),
            std::string("400 the query would read too many bytes").substr(0, 38))
      << "bytes of all lines count, whether they are looked at or not";
  EXPECT_EQ(lines(ask(R"({app=~".+"} | json | trace_id=")" + id_of(4) + "\"")), 2u) << "a stream's label may be it";
  EXPECT_EQ(lines(ask(R"({app=~".+"} | json | trace_id=")" + id_of(3) + "\"")), 1u);
  EXPECT_EQ(lines(ask(R"({app=~".+"} |~ ")" + id_of(3) + "|" + id_of(105) + "\"")), 2u);

  const auto absent = ask(R"({app="a"} |= ")" + id_of(50) + "\"");
  EXPECT_EQ(lines(absent), 0u);
  EXPECT_EQ(stats(absent).empty_reason, "lines in range but none passed the filters");
  EXPECT_EQ(answer_text(ask(R"({app="a"} |= ")" + id_of(50) + R"(" | label_format x="{{ nobody 1 }}")")),
            answer_text(ask(R"({app="a"} | label_format x="{{ nobody 1 }}")")))
      << "what is wrong with a stage is told all the same";
  RangeRequest late = hour_request(R"({app="b"} |= ")" + id_of(50) + "\"");
  late.start_ns += 6 * kNsPerSecond;
  const auto older = store_.queries().range(store_.context(), late);
  EXPECT_TRUE(stats(older).empty_reason.starts_with("newest line of matching streams is at"));
}

TEST_F(ReadPlanTest, BlocksWithoutAWordAreNotLookedAt) {
  const std::vector<std::string> words{"basilisk", "chimera", "griffin", "kraken", "phoenix"};
  for (size_t i = 0; i < words.size(); ++i) {
    PushBody body(R"({"app":"a"})");
    body.add(kTestStartNs + static_cast<int64_t>(i) * kNsPerSecond,
             fmt::format(R"({{"msg":"the {} said so","level":"warn"}})", words[i]));
    store_.push_json(body.text());
    store_.flush();
  }
  using Counts = std::pair<uint64_t, uint64_t>;  // lines, and blocks that were not looked at
  const auto ask = [&](const std::string& filters) {
    const auto answer = store_.queries().range(store_.context(), hour_request(R"({app="a"} )" + filters));
    const auto& stats = std::get<QueryResult>(answer).stats;
    EXPECT_EQ(stats.blocks_in_range, words.size()) << filters;
    return Counts(answer_text(answer).size(), stats.blocks_ruled_out);
  };
  EXPECT_EQ(ask(R"(|= "unicorn")"), Counts(0, 5));
  EXPECT_EQ(ask(R"(|= "kraken")"), Counts(1, 4));
  EXPECT_EQ(ask(R"(|= "rake")"), Counts(1, 4));
  EXPECT_EQ(ask(R"(|~ "(?i)GRIFFIN")"), Counts(1, 4));
  EXPECT_EQ(ask(R"(|= "said" |= "griffin")"), Counts(1, 4));
  EXPECT_EQ(ask(R"(|= "griffin" |= "kraken")"), Counts(0, 5));
  EXPECT_EQ(ask(R"(|= "griffin" or "phoenix")"), Counts(2, 3));
  EXPECT_EQ(ask(R"(| json | msg="the chimera said so")"), Counts(1, 4));
  EXPECT_EQ(ask(R"(!= "kraken")"), Counts(4, 0));
  EXPECT_EQ(ask(R"(|= "said")"), Counts(5, 0));
  // The oldest alone is ruled out, when it is its turn.
  EXPECT_EQ(ask(R"(|= "chimera" or "griffin" or "kraken" or "phoenix")"), Counts(4, 1));
  std::string many = R"(|= "kraken")";
  for (int i = 0; i < 25; ++i) many += fmt::format(R"( or "uni{0}{0}corn")", static_cast<char>('a' + i));
  EXPECT_EQ(ask(many), Counts(1, 4));
  // More alternatives than segments are asked for at once.
  EXPECT_EQ(ask(R"(|= "said" )" + many), Counts(1, 4));
  EXPECT_EQ(ask(many + " " + many), Counts(1, 4));
}

}  // namespace
}  // namespace cordwood::query
