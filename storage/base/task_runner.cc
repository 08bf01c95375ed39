// SPDX-License-Identifier: Apache-2.0
#include "storage/base/task_runner.h"

#include <pthread.h>

#include <deque>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/niceness.h"

namespace cordwood {

namespace {

class ThreadPool final : public TaskRunner {
 public:
  ThreadPool(size_t threads, const char* name, int niceness) {
    for (size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, niceness] {
        if (niceness != 0) set_niceness(niceness);
        run();
      });
      pthread_setname_np(threads_.back().native_handle(), name);
    }
  }
  ~ThreadPool() override {
    {
      const MutexLock lock(mu_);
      stopping_ = true;
      while (!asleep_.empty()) wake_last();
    }
    for (std::thread& t : threads_) t.join();
  }
  void post(std::function<void()> task) override {
    const MutexLock lock(mu_);
    queue_.push_back(std::move(task));
    if (!asleep_.empty()) wake_last();
  }
  void drain() override {
    const MutexLock lock(mu_);
    while (!queue_.empty() || running_ > 0) idle_.wait(mu_);
  }

 private:
  /// A thread without work.
  struct Sleeper {
    CondVar wake;
    bool called = false;
  };
  /// The one that went to sleep last has what it allocates from, and its caches, at hand.
  void wake_last() REQUIRES(mu_) {
    Sleeper* const last = asleep_.back();
    asleep_.pop_back();
    last->called = true;
    last->wake.notify_one();
  }
  void sleep(Sleeper* self) REQUIRES(mu_) {
    self->called = false;
    asleep_.push_back(self);
    while (!self->called) self->wake.wait(mu_);
  }
  void run() {
    Sleeper self;
    for (;;) {
      std::function<void()> task;
      {
        const MutexLock lock(mu_);
        while (queue_.empty() && !stopping_) sleep(&self);
        if (queue_.empty()) return;
        task = std::move(queue_.front());
        queue_.pop_front();
        ++running_;
      }
      task();
      task = nullptr;
      const MutexLock lock(mu_);
      --running_;
      if (queue_.empty() && running_ == 0) idle_.notify_all();
    }
  }

  Mutex mu_;
  CondVar idle_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mu_);
  std::vector<Sleeper*> asleep_ GUARDED_BY(mu_);  ///< the last one went to sleep last
  size_t running_ GUARDED_BY(mu_) = 0;
  bool stopping_ GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<TaskRunner> make_thread_pool(size_t threads, const char* name, int niceness) {
  return std::make_unique<ThreadPool>(threads, name, niceness);
}

}  // namespace cordwood
