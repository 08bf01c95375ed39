// SPDX-License-Identifier: Apache-2.0
#include "query/shared_reads.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/whole_store.h"

namespace cordwood::query {
namespace {

using Text = Answer<std::string>;

QueryError error_of(const Text& answer) {
  const auto* error = std::get_if<QueryError>(&answer);
  return error != nullptr ? *error : QueryError{200, std::get<std::string>(answer)};
}

void wait_until(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

/// One execution that stops where the test wants it, and a read that comes meanwhile.
class SharedReadsTest : public testing::Test {
 protected:
  /// Starts the first read; it gets to its snapshot when told, and on to its end when told.
  void lead(Text answer) {
    first_ = std::thread([this, answer = std::move(answer)] {
      first_answer_ = reads_.get("key", first_context_, [&](const ReadContext& own, SharedRead* shared) -> Text {
        started_ = true;
        wait_until(may_begin_);
        shared->begin(version_);
        begun_ = true;
        while (!may_end_) {
          const bool left = *own.cancelled && *own.followers == 0;
          if (left) return to_query_error(Error::cancelled({}));
          followers_ = own.followers->load();
          std::this_thread::yield();
        }
        return answer;
      });
    });
    wait_until(started_);
  }
  /// The read that comes later; `own` is its answer when it executes for itself.
  std::thread follow(std::string key, std::string own) {
    return std::thread([this, key = std::move(key), own = std::move(own)] {
      second_answer_ = reads_.get(key, second_context_, [&](const ReadContext&, SharedRead* shared) -> Text {
        shared->begin(version_);
        return own;
      });
    });
  }
  void end(std::thread second) {
    may_begin_ = true;
    may_end_ = true;
    second.join();
    first_.join();
  }
  void wait_for_follower() {
    may_begin_ = true;
    while (followers_ == 0) std::this_thread::yield();
  }

  ManualClock clock_;
  Counter shared_;
  std::atomic<uint64_t> version_{1};
  SharedReads<std::string> reads_{clock_, [this] { return version_.load(); }, &shared_};
  std::atomic<bool> first_left_{false}, second_left_{false};
  ReadContext first_context_{.tenant = "t", .limits = {}, .cancelled = &first_left_};
  ReadContext second_context_{.tenant = "t", .limits = {}, .cancelled = &second_left_};
  std::thread first_;
  std::atomic<bool> started_{false}, may_begin_{false}, begun_{false}, may_end_{false};
  std::atomic<uint32_t> followers_{0};
  Text first_answer_, second_answer_;
};

TEST_F(SharedReadsTest, OneThatWaitsForItsTurnIsJoinedWhateverCameSince) {
  lead("shared");
  ++version_;
  std::thread second = follow("key", "own");
  wait_for_follower();
  end(std::move(second));
  EXPECT_EQ(error_of(first_answer_).message, "shared");
  EXPECT_EQ(error_of(second_answer_).message, "shared");
  EXPECT_EQ(shared_.value(), 1u);
}

TEST_F(SharedReadsTest, OneThatRunsIsJoinedWhileNothingNewCanBeSeen) {
  lead("shared");
  may_begin_ = true;
  wait_until(begun_);
  std::thread second = follow("key", "own");
  wait_for_follower();
  end(std::move(second));
  EXPECT_EQ(error_of(second_answer_).message, "shared");
}

TEST_F(SharedReadsTest, OthersExecuteForThemselves) {
  const auto f = [this](const char* what) {
    std::thread second = follow("key", "own");
    second.join();
    EXPECT_EQ(error_of(second_answer_).message, "own") << what;
  };
  lead("not theirs");
  second_context_.tenant = "other";
  f("another tenant");
  second_context_.tenant = "t";
  second_context_.limits.max_query_series = 3;
  f("other limits");
  second_context_.limits = {};
  second_context_.takes_partial_series = true;
  f("an answer may be a part");
  second_context_.takes_partial_series = false;
  std::thread second = follow("key 2", "own");
  second.join();
  EXPECT_EQ(error_of(second_answer_).message, "own") << "another question";
  end(std::thread([] {}));
  EXPECT_EQ(shared_.value(), 0u);
}

TEST_F(SharedReadsTest, WhatWasAcknowledgedBeforeIsInTheAnswer) {
  lead("old");
  may_begin_ = true;
  wait_until(begun_);
  ++version_;
  std::thread second = follow("key", "new");
  second.join();
  EXPECT_EQ(error_of(second_answer_).message, "new");
  end(std::thread([] {}));
  EXPECT_EQ(error_of(first_answer_).message, "old");
}

TEST_F(SharedReadsTest, TheExecutionGoesOnWhenItsFirstClientLeaves) {
  lead("shared");
  std::thread second = follow("key", "own");
  wait_for_follower();
  first_left_ = true;
  end(std::move(second));
  EXPECT_EQ(error_of(second_answer_).message, "shared");
}

TEST_F(SharedReadsTest, ItEndsWhenAllHaveLeft) {
  lead("shared");
  std::thread second = follow("key", "own");
  wait_for_follower();
  second_left_ = true;
  second.join();
  EXPECT_EQ(error_of(second_answer_).status, 499);
  first_left_ = true;
  first_.join();
  EXPECT_EQ(error_of(first_answer_).status, 499);
}

TEST_F(SharedReadsTest, NobodyWaitsLongerThanHisTime) {
  clock_.advance_ns(100 * kNsPerSecond);
  lead("shared");
  second_context_.arrived_monotonic_ns = clock_.monotonic_ns() - second_context_.limits.query_timeout_ns + 1000;
  std::thread second = follow("key", "own");
  wait_for_follower();
  clock_.advance_ns(2000);
  second.join();
  EXPECT_EQ(error_of(second_answer_).status, 504);
  end(std::thread([] {}));
  EXPECT_EQ(error_of(first_answer_).message, "shared");
}

TEST_F(SharedReadsTest, ErrorsAreShared) {
  lead(QueryError{400, "too much"});
  std::thread second = follow("key", "own");
  wait_for_follower();
  end(std::move(second));
  EXPECT_EQ(error_of(second_answer_).status, 400);
}

TEST_F(SharedReadsTest, OneThatIsGivenUpIsTriedAgain) {
  lead(to_query_error(Error::cancelled({})));
  std::thread second = follow("key", "own");
  wait_for_follower();
  end(std::move(second));
  EXPECT_EQ(error_of(second_answer_).message, "own");
}

TEST_F(SharedReadsTest, AnExceptionIsNoAnswerForOthers) {
  std::atomic<bool> may_throw{false}, runs{false};
  first_ = std::thread([&] {
    EXPECT_THROW(reads_.get("key", first_context_,
                            [&](const ReadContext& own, SharedRead*) -> Text {
                              runs = true;
                              while (*own.followers == 0) std::this_thread::yield();
                              throw std::runtime_error("out of memory");
                            }),
                 std::runtime_error);
  });
  wait_until(runs);
  follow("key", "own").join();
  first_.join();
  EXPECT_EQ(error_of(second_answer_).message, "own");
}

/// Writers that read what they wrote, all with the same question at the same time.
TEST(SharedReads, EveryReadHasWhatWasAcknowledgedBeforeIt) {
  constexpr int kClients = 6, kTurns = 25;
  WholeStore store;
  SystemClock clock;
  ReadGate gate({.running = 2, .processors = 1, .long_after_ns = 100'000, .turn_ns = 100'000, .poll_ns = 1'000'000},
                clock);
  const QueryEngine queries({.snapshot = [&] { return store.engine->snapshot(); },
                             .streams = store.streams.get(),
                             .memory = &store.memory,
                             .clock = &clock,
                             .zone_file = {},
                             .version = [&] { return store.engine->version(); },
                             .gate = &gate,
                             .metrics = &store.metrics});
  const int64_t now_s = clock.now_ns() / kNsPerSecond;
  std::atomic<int> acknowledged{0};
  std::vector<std::thread> threads;
  for (int client = 0; client < kClients; ++client) {
    threads.emplace_back([&, client] {
      for (int turn = 0; turn < kTurns; ++turn) {
        if (turn % 3 == 0) {
          const auto response =
              store.push_json(fmt::format(R"({{"streams":[{{"stream":{{"app":"x"}},"values":[["{}{:09}","line"]]}}]}})",
                                          now_s, client * 1000 + turn));
          ASSERT_EQ(response.status, 204);
          ++acknowledged;
        }
        const int at_least = acknowledged;
        const auto answer = queries.range(store.context, {.query = R"(sum(count_over_time({app="x"} |= "line" [1h])))",
                                                          .start_ns = (now_s + 60) * kNsPerSecond,
                                                          .end_ns = (now_s + 60) * kNsPerSecond,
                                                          .step_ns = 60 * kNsPerSecond});
        ASSERT_TRUE(std::holds_alternative<QueryResult>(answer));
        const auto& series = std::get<Matrix>(std::get<QueryResult>(answer).data).series;
        ASSERT_EQ(series.size(), 1u);
        EXPECT_GE(series[0].samples.back().value, at_least);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace cordwood::query
