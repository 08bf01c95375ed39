// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/eraser_world.h"

namespace cordwood {
namespace {

constexpr int kDeleteWriters = 3;
constexpr int kDeleteBatches = 300;

/// Writers, readers, deletes, holds, merges and the eraser at once.
class DeleteConcurrency : public testing::Test {
 protected:
  void SetUp() override {
    world_.environment.background = pool_.get();
    world_.options.append_wait_ns = 30'000'000'000;
    world_.options.wal.group_wait_us = 100;
    world_.options.block_rows = 64;
    world_.options.generation_raw_bytes = 4u << 10;
    world_.options.max_pending_generations = 1000;
    ASSERT_TRUE(world_.open().ok());
    merging_.renew();
    erasing_.renew();
  }
  void TearDown() override {
    erasing_.forget();
    merging_.forget();
    world_.close();
  }
  Engine& engine() { return *world_.engine; }
  std::vector<StoredRow> rows() {
    const auto found = read_rows(*engine().snapshot(), "t");
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() ? *found : std::vector<StoredRow>();
  }
  int shared_rows() {
    const std::vector<StoredRow> all = rows();
    return static_cast<int>(std::ranges::count(all, "shared", &StoredRow::stream));
  }

  void write(int w) {
    for (int b = 0; b < kDeleteBatches; ++b) {
      const std::vector<StoredRow> batch = {{fmt::format("own{}", w), b, fmt::format("{}", b), {}},
                                            {"shared", b, fmt::format("{} {}", w, b), {}}};
      const auto appended = engine().append(make_batch(engine(), "t", batch), nullptr);
      ASSERT_TRUE(appended.ok()) << appended.error().message;
      acknowledged_[static_cast<size_t>(w)] = b + 1;
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
    --writing_;
  }
  void remove() {
    for (int i = 0; writing_ > 0; ++i) {
      const int w = i % kDeleteWriters;
      const int there = acknowledged_[static_cast<size_t>(w)];
      DeleteRequest request;
      request.id = fmt::format("d{}", i);
      request.tenant = "t";
      request.query = fmt::format("own{} {}", w, i % 2 == 0 ? "*" : "1");
      request.end_ns = kDeleteBatches;
      const Result<void> done = erasing_.target().request_delete(request);
      ASSERT_TRUE(done.ok()) << done.error().message;
      for (const StoredRow& row : rows()) {
        const bool meant = row.stream == fmt::format("own{}", w) && row.time_ns < there &&
                           (i % 2 == 0 || row.line.find('1') != std::string::npos);
        EXPECT_FALSE(meant) << to_string(row);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  void hold() {
    for (int i = 0; writing_ > 0; ++i) {
      const std::string id = fmt::format("h{}", i);
      EXPECT_TRUE(erasing_.target().set_hold({id, "t", "shared *", 0, kDeleteBatches, "", 0}).ok());
      EXPECT_TRUE(erasing_.target().lift_hold(id).ok());
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }
  void read() {
    while (writing_ > 0) {
      int at_least = 0;
      for (const auto& count : acknowledged_) at_least += count;
      EXPECT_GE(shared_rows(), at_least);
    }
  }
  void keep_house() {
    while (writing_ > 0) {
      engine().tick();
      erasing_.eraser().tick();
      (void)merging_.merger().merge_once();
    }
  }

  EngineWorld world_{1};
  const std::unique_ptr<TaskRunner> pool_ = make_thread_pool(2, "background");
  MergeWorld merging_{world_};
  EraserWorld erasing_{world_, merging_};
  std::atomic<int> writing_{kDeleteWriters};
  std::array<std::atomic<int>, kDeleteWriters> acknowledged_{};
};

TEST_F(DeleteConcurrency, DeletedRowsAreInNoLaterSnapshot) {
  std::vector<std::thread> threads;
  for (int w = 0; w < kDeleteWriters; ++w) threads.emplace_back([this, w] { write(w); });
  threads.emplace_back([this] { remove(); });
  threads.emplace_back([this] { hold(); });
  threads.emplace_back([this] { read(); });
  threads.emplace_back([this] { keep_house(); });
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(engine().flush().ok());
  for (int i = 0; i < 8; ++i) {
    world_.clock.advance_ns(2);
    engine().tick();
    erasing_.eraser().tick();
  }
  for (const DeleteRequest& request : erasing_.target().acts().deletes) {
    EXPECT_EQ(request.state, DeleteRequest::State::processed) << request.id;
  }
  EXPECT_GT(world_.metrics.counter("cordwood_delete_requests_processed_total", "").value(), 3u);
  EXPECT_EQ(shared_rows(), kDeleteWriters * kDeleteBatches);
}

}  // namespace
}  // namespace cordwood
