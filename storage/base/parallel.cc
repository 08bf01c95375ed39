// SPDX-License-Identifier: Apache-2.0
#include "storage/base/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"

namespace cordwood {

namespace {

/// Which call is next, and the first failure.
class Progress {
 public:
  explicit Progress(size_t count) : count_(count) {}
  std::optional<size_t> next() {
    const MutexLock lock(mu_);
    if (next_ == count_ || error_) return std::nullopt;
    return next_++;
  }
  void failed(size_t number, Error error) {
    const MutexLock lock(mu_);
    if (error_ && error_at_ < number) return;
    error_at_ = number;
    error_ = std::move(error);
  }
  Result<void> result() {
    const MutexLock lock(mu_);
    if (error_) return *error_;
    return {};
  }

 private:
  const size_t count_;
  Mutex mu_;
  size_t next_ GUARDED_BY(mu_) = 0;
  size_t error_at_ GUARDED_BY(mu_) = 0;
  std::optional<Error> error_ GUARDED_BY(mu_);
};

}  // namespace

Result<void> run_parallel(size_t count, size_t width, const std::function<Result<void>(size_t)>& body) {
  Progress progress(count);
  const auto work = [&] {
    while (const auto number = progress.next()) {
      Result<void> done = body(*number);
      if (!done.ok()) progress.failed(*number, std::move(done).error());
    }
  };
  const size_t others = std::min(std::max<size_t>(width, 1), std::max<size_t>(count, 1)) - 1;
  std::vector<std::thread> threads;
  threads.reserve(others);
  for (size_t i = 0; i < others; ++i) {
    threads.emplace_back(work);
    pthread_setname_np(threads.back().native_handle(), "parallel");
  }
  work();
  for (std::thread& thread : threads) thread.join();
  return progress.result();
}

}  // namespace cordwood
