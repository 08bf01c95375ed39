// SPDX-License-Identifier: Apache-2.0
#include "storage/base/task_runner.h"

#include <pthread.h>
#include <sys/resource.h>

#include <deque>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"

namespace cordwood {

namespace {

class ThreadPool final : public TaskRunner {
 public:
  ThreadPool(size_t threads, const char* name, int niceness) {
    for (size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, niceness] {
        if (niceness != 0) (void)::setpriority(PRIO_PROCESS, 0, niceness);  // of this thread alone
        run();
      });
      pthread_setname_np(threads_.back().native_handle(), name);
    }
  }
  ~ThreadPool() override {
    {
      const MutexLock lock(mu_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  void post(std::function<void()> task) override {
    {
      const MutexLock lock(mu_);
      queue_.push_back(std::move(task));
    }
    wake_.notify_one();
  }
  void drain() override {
    const MutexLock lock(mu_);
    while (!queue_.empty() || running_ > 0) idle_.wait(mu_);
  }

 private:
  void run() {
    for (;;) {
      std::function<void()> task;
      {
        const MutexLock lock(mu_);
        while (queue_.empty() && !stopping_) wake_.wait(mu_);
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
  CondVar wake_;
  CondVar idle_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mu_);
  size_t running_ GUARDED_BY(mu_) = 0;
  bool stopping_ GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<TaskRunner> make_thread_pool(size_t threads, const char* name, int niceness) {
  return std::make_unique<ThreadPool>(threads, name, niceness);
}

}  // namespace cordwood
