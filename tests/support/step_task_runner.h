// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "storage/base/task_runner.h"

namespace cordwood {

/// Runs tasks on the calling thread when told to, in the order they were posted.  One thread.
class StepTaskRunner final : public TaskRunner {
 public:
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void drain() override {
    while (run_one()) {
    }
  }
  /// False when there is nothing to run.
  bool run_one() {
    if (tasks_.empty()) return false;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  /// What a process that ends leaves undone.
  void forget() { tasks_.clear(); }
  size_t size() const { return tasks_.size(); }

 private:
  std::deque<std::function<void()>> tasks_;
};

}  // namespace cordwood
