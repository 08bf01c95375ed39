// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include "storage/base/mutex.h"

namespace cordwood::api {

/// Calls a function again and again, with a pause in between, on a thread of its own until it is destroyed.
class Ticker {
 public:
  explicit Ticker(std::function<void()> tick, int64_t pause_ns = 1'000'000'000)
      : tick_(std::move(tick)), pause_ns_(pause_ns), thread_([this] { run(); }) {}
  ~Ticker() {
    {
      MutexLock lock(mu_);
      stop_ = true;
      wake_.notify_all();
    }
    thread_.join();
  }

 private:
  void run() {
    for (;;) {
      {
        MutexLock lock(mu_);
        if (!stop_) wake_.wait_for(mu_, std::chrono::nanoseconds(pause_ns_));
        if (stop_) return;
      }
      tick_();
    }
  }
  const std::function<void()> tick_;
  const int64_t pause_ns_;
  Mutex mu_;
  CondVar wake_;
  bool stop_ GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace cordwood::api
