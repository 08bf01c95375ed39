// SPDX-License-Identifier: Apache-2.0
// Queries whose blocks other threads open: the answers are those of one thread alone.
#include <fmt/core.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "query/ahead_threads.h"
#include "query/read_gate.h"
#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

constexpr int kBlocks = 24;
constexpr int kLines = 40;
constexpr const char* kQuestions[] = {
    R"(sum by (app) (count_over_time({env="t"} | json | status >= 500 [5m])))",
    R"(quantile_over_time(0.9, {env="t"} | json | unwrap took [10m]) by (app))",
    R"(sum(bytes_over_time({env="t"} |~ "u[0-9]7" [5m])))",
    R"({env="t"} |= "user u17")",
    R"({env="t"} | json | status = 503)",
    R"({env="t"} | json | took > 38 or status = 200)",
    R"({env="t"} |= "nowhere")",
};

class BlocksAheadTest : public testing::Test {
 protected:
  BlocksAheadTest() {
    for (int block = 0; block < kBlocks; ++block) push(block);
  }
  /// Lines of two streams, sealed into a segment of their own.
  void push(int block) {
    for (int app = 0; app < 2; ++app) {
      std::string values;
      for (int i = 0; i < kLines; ++i) {
        const int64_t time_ns = kTestStartNs + (block * kLines + i) * kNsPerSecond;
        if (i > 0) values += ',';
        values += fmt::format(R"(["{}","{{\"status\":{},\"took\":{},\"msg\":\"user u{} came\"}}"])", time_ns,
                              i % 7 == 0 ? 503 : 200, i, (block + i) % 100);
      }
      store_.push_json(
          fmt::format(R"({{"streams":[{{"stream":{{"env":"t","app":"a{}"}},"values":[{}]}}]}})", app, values));
    }
    store_.flush();
  }
  QueryEngine helped(ReadGate* gate = nullptr) {
    QueryEngine::Environment reads = store_.environment();
    reads.ahead = &ahead_;
    reads.gate = gate;
    return QueryEngine(reads);
  }
  Answer<QueryResult> ask(const QueryEngine& engine, const std::string& question) const {
    return engine.range(store_.context(), hour_request(question));
  }
  uint64_t opened() { return ahead_.opened().value(); }

  QueryStore store_{nullptr, {}, /*rows_one_by_one=*/0};
  std::atomic<int64_t> delay_ns_{0};
  AheadThreads ahead_{{.threads = 2, .begin_after_ns = 0, .run_delay_ns = [this] { return delay_ns_.load(); }},
                      store_.world().metrics};
};

TEST_F(BlocksAheadTest, AnswersAndStatisticsAreThoseOfOneThread) {
  const QueryEngine engine = helped();
  // Others may be late: then the query does it all by itself.
  for (int round = 0; round < 1000 && (round < 5 || opened() == 0); ++round) {
    for (const char* question : kQuestions) {
      const auto alone = ask(store_.queries(), question), got = ask(engine, question);
      ASSERT_EQ(answer_text(got), answer_text(alone)) << question;
      const QueryStats &a = std::get<QueryResult>(got).stats, &b = std::get<QueryResult>(alone).stats;
      EXPECT_EQ(a.lines_processed, b.lines_processed) << question;
      EXPECT_EQ(a.bytes_processed, b.bytes_processed) << question;
      EXPECT_EQ(a.column_rows, b.column_rows) << question;
      EXPECT_EQ(a.blocks_ruled_out, b.blocks_ruled_out) << question;
    }
  }
  EXPECT_GT(opened(), 0u);
}

TEST_F(BlocksAheadTest, DamagedBlocksAreLeftOutAsByOneThread) {
  const auto objects = store_.world().store->list_all("segments/");
  ASSERT_TRUE(objects.ok()) << objects.error().message;
  ASSERT_GE(objects->size(), static_cast<size_t>(kBlocks));
  constexpr unsigned kFlips = 200;
  for (size_t i = 0; i < objects->size(); i += 3) {
    store_.world().fs.damage("data/objects/" + (*objects)[i].key, kFlips);
  }
  const QueryEngine engine = helped();
  size_t warned = 0;
  for (int round = 0; round < 5; ++round) {
    for (const char* question : kQuestions) {
      const auto alone = ask(store_.queries(), question), got = ask(engine, question);
      ASSERT_EQ(answer_text(got), answer_text(alone)) << question;
      const auto& warnings = std::get<QueryResult>(got).warnings;
      EXPECT_EQ(warnings, std::get<QueryResult>(alone).warnings) << question;
      warned += warnings.size();
    }
  }
  EXPECT_GT(warned, 0u);
}

TEST_F(BlocksAheadTest, NobodyHelpsWhereNoProcessorIsIdle) {
  ReadGate gate({.running = 8, .processors = 1}, store_.world().clock);
  const QueryEngine engine = helped(&gate);
  for (const char* question : kQuestions) {
    EXPECT_EQ(answer_text(ask(engine, question)), answer_text(ask(store_.queries(), question)));
  }
  EXPECT_EQ(opened(), 0u);
}

TEST_F(BlocksAheadTest, NobodyHelpsAQueryThatWaitsForProcessors) {
  AheadThreads others({.threads = 2, .begin_after_ns = 0, .run_delay_ns = [this] { return ++delay_ns_; }},
                      store_.world().metrics);
  QueryEngine::Environment reads = store_.environment();
  reads.ahead = &others;
  const QueryEngine engine(reads);
  for (const char* question : kQuestions) {
    EXPECT_EQ(answer_text(ask(engine, question)), answer_text(ask(store_.queries(), question)));
  }
  EXPECT_EQ(opened(), 0u);
}

TEST_F(BlocksAheadTest, HelpersGiveWayToOtherThreads) {
  AheadThreads helpers({}, store_.world().metrics);
  std::atomic<int> niceness{0};
  helpers.runner().post([&niceness] { niceness = ::getpriority(PRIO_PROCESS, 0); });
  helpers.runner().drain();
  EXPECT_GT(niceness, ::getpriority(PRIO_PROCESS, 0));
}

TEST_F(BlocksAheadTest, AQueryThatEndsEarlyLeavesNobodyAtWork) {
  const QueryEngine engine = helped();
  for (int round = 0; round < 50; ++round) {
    RangeRequest few = hour_request(R"({env="t"} |= "user")", /*limit=*/1);
    EXPECT_EQ(answer_text(engine.range(store_.context(), few)).size(), 1u);
    std::atomic<bool> left{false};
    ReadContext context = store_.context();
    context.cancelled = &left;
    std::thread client([&left, round] {
      for (int i = 0; i < round * 20; ++i) std::this_thread::yield();
      left = true;
    });
    const auto answer = engine.range(context, hour_request(kQuestions[0]));
    client.join();
    const auto* error = std::get_if<QueryError>(&answer);
    if (error != nullptr) {
      EXPECT_EQ(error->status, 499);
    } else {
      EXPECT_EQ(answer_text(answer), answer_text(ask(store_.queries(), kQuestions[0])));
    }
  }
}

TEST_F(BlocksAheadTest, ManyQueriesShareTheThreadsWhileBlocksCome) {
  const QueryEngine engine = helped();
  std::vector<std::vector<std::string>> before;
  for (const char* question : kQuestions) before.push_back(answer_text(ask(store_.queries(), question)));
  std::vector<std::thread> clients;
  for (size_t c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      for (size_t i = 0; i < 12; ++i) {
        const size_t q = (i + c) % std::size(kQuestions);
        RangeRequest request = hour_request(kQuestions[q]);
        request.end_ns = kTestStartNs + kBlocks * kLines * kNsPerSecond;  // what comes meanwhile lies behind
        EXPECT_EQ(answer_text(engine.range(store_.context(), request)).empty(), before[q].empty()) << kQuestions[q];
      }
    });
  }
  for (int block = kBlocks; block < kBlocks + 6; ++block) push(block);
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace cordwood::query
