// SPDX-License-Identifier: Apache-2.0
// Results that are kept for the next refresh of a panel, against an engine that keeps none.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "query/kept_lines.h"
#include "query/kept_steps.h"
#include "query/kept_sums.h"
#include "tests/query/query_store.h"

namespace cordwood::query {
namespace {

constexpr int64_t kStart = 1'700'000'000 * kNsPerSecond;

class KeptResultsTest : public testing::Test {
 protected:
  KeptResultsTest() {
    QueryEngine::Environment reads = store_.environment();
    reads.views = nullptr;  // nothing else takes of the share for caches
    plain_ = std::make_unique<QueryEngine>(reads);
    reads.version = [this] { return store_.world().engine->version(); };
    reads.oldest_since = [this](const TenantId& tenant, uint64_t version) {
      return store_.world().engine->oldest_since(tenant, version);
    };
    reads.kept = &steps_;
    reads.kept_sums = &sums_;
    reads.kept_lines = &lines_;
    keeping_ = std::make_unique<QueryEngine>(reads);
  }

  void push(int64_t time_ns, const std::string& app, const std::string& line) {
    store_.push_json(
        fmt::format(R"({{"streams":[{{"stream":{{"app":"{}"}},"values":[["{}","{}"]]}}]}})", app, time_ns, line));
  }

  using Samples = std::map<std::string, std::vector<std::pair<int64_t, double>>>;
  static Samples samples_of(const Answer<QueryResult>& answer) {
    Samples out;
    const auto* result = std::get_if<QueryResult>(&answer);
    if (result == nullptr) {
      out["error " + std::get<QueryError>(answer).message];
      return out;
    }
    const auto* matrix = std::get_if<Matrix>(&result->data);
    for (const Series& series : matrix != nullptr ? matrix->series : std::get<Vector>(result->data).series) {
      std::string labels;
      for (const auto& [name, value] : series.labels) labels += name + "=" + value + ",";
      for (const Sample& sample : series.samples) out[labels].push_back({sample.time_ms, sample.value});
    }
    return out;
  }
  /// Which of equal series topk picks is open: its values alone count.
  static Samples without_labels(const Samples& samples) {
    Samples out;
    for (const auto& [labels, values] : samples) {
      for (const auto& value : values) out[std::to_string(value.first)].push_back(value);
    }
    for (auto& [time, values] : out) std::sort(values.begin(), values.end());
    return out;
  }
  static void expect_same(Samples got, Samples want, const std::string& query) {
    if (query.find("topk") == 0 || query.find("bottomk") == 0) {
      got = without_labels(got);
      want = without_labels(want);
    }
    ASSERT_EQ(got.size(), want.size()) << query;
    for (const auto& [labels, samples] : want) {
      ASSERT_TRUE(got.contains(labels)) << query << " " << labels;
      const auto& ours = got.at(labels);
      ASSERT_EQ(ours.size(), samples.size()) << query << " " << labels;
      for (size_t i = 0; i < samples.size(); ++i) {
        ASSERT_EQ(ours[i].first, samples[i].first) << query << " " << labels;
        ASSERT_NEAR(ours[i].second, samples[i].second, 1e-9 * (1 + std::abs(samples[i].second)))
            << query << " " << labels << " at " << samples[i].first;
      }
    }
  }
  void compare_range(const std::string& query, int64_t end_ns) const {
    RangeRequest request;
    request.query = query;
    request.start_ns = end_ns - 300 * kNsPerSecond;
    request.end_ns = end_ns;
    request.step_ns = 10 * kNsPerSecond;
    expect_same(samples_of(keeping_->range(store_.context(), request)),
                samples_of(plain_->range(store_.context(), request)), query);
  }
  void compare_instant(const std::string& query, int64_t time_ns) const {
    InstantRequest request;
    request.query = query;
    request.time_ns = time_ns;
    const Samples got = samples_of(keeping_->instant(store_.context(), request));
    expect_same(got, samples_of(plain_->instant(store_.context(), request)), query);
    if (query.find("topk") != 0 && query.find("bottomk") != 0) return;
    const size_t inner = query.find(", ") + 2;
    request.query = query.substr(inner, query.size() - inner - 1);
    const Samples all = samples_of(plain_->instant(store_.context(), request));
    for (const auto& [labels, samples] : got) {
      ASSERT_TRUE(all.contains(labels)) << query << " " << labels;
      ASSERT_NEAR(samples[0].second, all.at(labels)[0].second, 1e-9) << query << " " << labels;
    }
  }
  static std::vector<std::string> lines_of(const Answer<QueryResult>& answer) {
    const auto* result = std::get_if<QueryResult>(&answer);
    if (result == nullptr) return {"error " + std::get<QueryError>(answer).message};
    std::vector<std::string> out;
    for (const LogStream& stream : std::get<Streams>(result->data).streams) {
      std::string labels;
      for (const auto& [name, value] : stream.labels) labels += name + "=" + value + ",";
      for (const LogEntry& entry : stream.entries) {
        out.push_back(fmt::format("{} {} {} {}", labels, entry.time_ns, entry.line, entry.parsed.size()));
      }
    }
    return out;
  }
  /// Returns how many lines came.
  size_t compare_lines(RangeRequest request) const {
    const auto got = lines_of(keeping_->range(store_.context(), request));
    EXPECT_EQ(got, lines_of(plain_->range(store_.context(), request))) << request.query;
    return got.size();
  }
  uint64_t count(const char* name) { return store_.world().metrics.counter(name, "").value(); }

  QueryStore store_;
  KeptSteps steps_{1u << 20, store_.world().memory, store_.world().metrics};
  KeptSums sums_{1u << 20, store_.world().memory, store_.world().metrics};
  KeptLines lines_{1u << 20, store_.world().memory, store_.world().metrics};
  std::unique_ptr<QueryEngine> plain_;
  std::unique_ptr<QueryEngine> keeping_;
};

TEST_F(KeptResultsTest, AreWhatAnEngineSaysThatKeepsNone) {
  std::mt19937 random(11);
  int64_t now_ns = kStart;
  uint64_t blocks_of_ranges = 0;
  for (int round = 0; round < 120; ++round) {
    now_ns += static_cast<int64_t>(random() % 12) * kNsPerSecond + static_cast<int64_t>(random() % 1000);
    const auto rows = static_cast<int>(random() % 20);
    for (int i = 0; i < rows; ++i) {
      // Rows of one stream come in order, those of the other also late.
      const bool in_order = random() % 2 == 0;
      const int64_t late_s =
          random() % 8 == 0 ? static_cast<int64_t>(random() % 200) : static_cast<int64_t>(random() % 3);
      push(in_order ? now_ns + i : now_ns - late_s * kNsPerSecond, in_order ? "a" : "b",
           fmt::format("user=u{} took={} share=0.{} {}", random() % 30, random() % 100, random() % 100,
                       random() % 9 == 0 ? "breaker" : "fine"));
    }
    if (random() % 6 == 0) store_.flush();
    for (const char* query :
         {R"(sum by (app) (count_over_time({app=~".+"} |= "breaker" [10s])))",
          R"(sum by (app) (rate({app=~".+"}[45s] offset 20s)))", R"(count_over_time({app="a"} | logfmt [10s]))",
          R"(quantile_over_time(0.9, {app="a"} | logfmt | unwrap took [30s]) by (app))",
          R"(topk(2, sum by (user) (count_over_time({app="b"} | logfmt [20s]))))",
          R"(absent_over_time({app="a"} |= "breaker" [10s]))", R"(sum(count_over_time({app="a"} | unwrap x [5s])))",
          R"(sum by (user) (count_over_time({app=~".+"} | logfmt [3s])))",
          R"(max_over_time({app="b"} | logfmt | unwrap took [5s]) by (app))"}) {
      blocks_of_ranges -= count("cordwood_query_kept_blocks_total");
      compare_range(query, now_ns);
      blocks_of_ranges += count("cordwood_query_kept_blocks_total");
    }
    for (const char* query :
         {R"(topk(3, sum by (user) (count_over_time({app="a"} | logfmt [3m]))))",
          R"(bottomk(3, sum by (user) (rate({app=~".+"} | logfmt [2m]))))", R"(sum(count_over_time({app="a"}[4m])))",
          R"(sum by (user, app) (count_over_time({app=~".+"} | logfmt | user!="u1" [5m])))",
          R"(sum by (user) (rate({app="a"} | logfmt | unwrap share [5m])))",
          R"(sum by (user) (rate({app="a"} | logfmt | unwrap took [5m])))"}) {
      compare_instant(query, now_ns);
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(count("cordwood_query_kept_steps_total"), 10'000u);
  EXPECT_GT(blocks_of_ranges, 100u);
  EXPECT_GT(count("cordwood_query_kept_blocks_total") - blocks_of_ranges, 300u);
}

/// Rows come late, blocks are sealed, ranges go on, go back and are longer than what was kept.
TEST_F(KeptResultsTest, LinesAreThoseOfAnEngineThatKeepsNone) {
  std::mt19937 random(12);
  int64_t now_ns = kStart;
  size_t lines = 0;
  for (int round = 0; round < 250; ++round) {
    now_ns += static_cast<int64_t>(random() % 8) * kNsPerSecond;
    for (auto rows = static_cast<int>(random() % 15); rows > 0; --rows) {
      const int64_t late_s = random() % 9 == 0 ? static_cast<int64_t>(random() % 200) : 0;
      // Of few times and lines, so that there are ties and copies.
      push(now_ns - late_s * kNsPerSecond, random() % 2 == 0 ? "a" : "b",
           fmt::format("user=u{} {}", random() % 4, random() % 3 == 0 ? "breaker" : "fine"));
    }
    if (random() % 6 == 0) store_.flush();
    for (const char* query :
         {R"({app=~".+"} |= "breaker")", R"({app="a"} | logfmt | user="u1")",
          R"({app="b"} | logfmt | user!="u1" | line_format "{{.user}}")", R"({app="none"} |= "x")"}) {
      RangeRequest request;
      request.query = query;
      request.limit = random() % 3 == 0 ? 7 : 40;
      request.end_ns = now_ns + 1 - static_cast<int64_t>(random() % 4 == 0 ? random() % 30 : 0) * kNsPerSecond;
      request.start_ns = request.end_ns - static_cast<int64_t>(random() % 5 == 0 ? random() % 500 : 120) * kNsPerSecond;
      request.step_ns = kNsPerSecond;
      request.categorize_labels = random() % 2 == 0;
      request.direction = random() % 8 == 0 ? Direction::forward : Direction::backward;
      lines += compare_lines(request);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(lines, 5'000u);
  EXPECT_GT(count("cordwood_query_kept_lines_total"), lines / 10);
}

TEST_F(KeptResultsTest, TakeNoMoreThanTheirRoom) {
  for (int i = 0; i < 50; ++i) push(kStart + i * kNsPerSecond, "a", fmt::format("user=u{}", i));
  store_.flush();
  for (int i = 0; i < 2000; ++i) {
    const std::string filter = fmt::format(R"({{app="a"}} != "no line has this {}")", i);
    compare_range("sum by (user) (count_over_time(" + filter + " | logfmt [10s]))", kStart + 60 * kNsPerSecond);
    for (int again = 0; again < 2; ++again) {
      compare_instant("sum by (user) (count_over_time(" + filter + " | logfmt [5m]))", kStart + 60 * kNsPerSecond);
    }
    RangeRequest request;
    request.query = filter;
    request.start_ns = kStart;
    request.end_ns = kStart + 60 * kNsPerSecond;
    compare_lines(request);
    ASSERT_LE(store_.world().memory.used(MemoryShare::cache), 3u << 20);
  }
  EXPECT_GT(store_.world().memory.used(MemoryShare::cache), 2u << 20) << "the room is used";
}

TEST_F(KeptResultsTest, OneQuestionTakesNoMoreThanItsShare) {
  BlockSums sums(10'000);
  for (int i = 0; i < 40; ++i) {
    push(kStart + i * kNsPerSecond, "a", "x");
    store_.flush();
  }
  const auto blocks = store_.world().engine->snapshot()->blocks("fake", {kStart, kStart + 100 * kNsPerSecond});
  ASSERT_EQ(blocks.size(), 40u);
  LabelDemand by_a;
  by_a.groups = {"a"};
  SeriesTable table(by_a);
  const std::string value(1000, 'k');
  for (size_t i = 0; i < blocks.size(); ++i) {
    bool is_new = false;
    const std::string text = value + std::string(i, 'i');
    const uint32_t series = table.find({{"a", text}}, &is_new);
    sums.keep(blocks[i], table, {.parts = {{series, 7}}, .cells = {{kStart, 1}}});
  }
  EXPECT_LE(sums.memory_bytes(), 10'000u);
  ASSERT_NE(sums.find(blocks[0]), nullptr);
  EXPECT_EQ(sums.find(blocks[0])->parts.at(0).sum, 7u);
  EXPECT_EQ(sums.find(blocks[39]), nullptr) << "there was no room";
  BlockSums moving(10'000);
  for (size_t i = 0; i < blocks.size(); ++i) {
    bool is_new = false;
    const uint32_t series = table.find({{"a", "same"}}, &is_new);
    moving.keep(blocks[i], table,
                {.from_ns = kStart, .parts = {{series, 1}}, .cells = std::vector<BlockSums::Cell>(100, {kStart, 1})});
    EXPECT_LE(moving.memory_bytes(), 10'000u);
    ASSERT_NE(moving.find(blocks[i]), nullptr) << "the oldest go";
  }
  EXPECT_EQ(moving.find(blocks[0]), nullptr);
}

TEST_F(KeptResultsTest, AreNotKeptWhenTheClockHasASay) {
  push(kStart, "a", "x");
  const std::string query = R"(count_over_time({app="a"} | label_format at="{{ now | unixEpoch }}" [1m]))";
  compare_range(query, kStart + 30 * kNsPerSecond);
  compare_range(query, kStart + 30 * kNsPerSecond);
  EXPECT_EQ(count("cordwood_query_kept_steps_total"), 0u);
  RangeRequest request;
  request.query = R"({app="a"} |= "x" | line_format "{{ now | unixEpoch }}")";
  request.start_ns = kStart - kNsPerSecond;
  request.end_ns = kStart + kNsPerSecond;
  EXPECT_EQ(lines_of(keeping_->range(store_.context(), request)).size(), 1u);
  EXPECT_EQ(lines_of(keeping_->range(store_.context(), request)).size(), 1u);
  EXPECT_EQ(count("cordwood_query_kept_lines_total"), 0u);
}

}  // namespace
}  // namespace cordwood::query
