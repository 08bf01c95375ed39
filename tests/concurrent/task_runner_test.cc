// SPDX-License-Identifier: Apache-2.0
#include "storage/base/task_runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cordwood {
namespace {

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  constexpr int kPosters = 4, kTasks = 2000;
  std::vector<std::atomic<int>> runs(kPosters * kTasks);
  const auto pool = make_thread_pool(3, "test");
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      for (int task = 0; task < kTasks; ++task) {
        pool->post([&runs, place = static_cast<size_t>(poster * kTasks + task)] { ++runs[place]; });
        if (task % 100 == 0)
          std::this_thread::sleep_for(std::chrono::microseconds(200));  // so that threads fall asleep
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  pool->drain();
  for (const std::atomic<int>& one : runs) ASSERT_EQ(one, 1);
}

TEST(ThreadPoolTest, EndsWithWhatIsQueued) {
  std::atomic<int> ran = 0;
  auto pool = make_thread_pool(2, "test");
  for (int task = 0; task < 500; ++task) pool->post([&ran] { ++ran; });
  pool.reset();
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPoolTest, GivesTheNextTaskToWhoeverHadTheLast) {
  const auto pool = make_thread_pool(8, "test");
  std::thread::id last;
  int same = 0;
  for (int task = 0; task < 200; ++task) {
    std::thread::id now;
    pool->post([&now] { now = std::this_thread::get_id(); });
    pool->drain();
    same += now == last ? 1 : 0;
    last = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // it falls asleep
  }
  EXPECT_GT(same, 100);
}

}  // namespace
}  // namespace cordwood
