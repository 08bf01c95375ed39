// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define CORDWOOD_TSA(x) __attribute__((x))
#else
#define CORDWOOD_TSA(x)
#endif

#define GUARDED_BY(mu) CORDWOOD_TSA(guarded_by(mu))
#define REQUIRES(...) CORDWOOD_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) CORDWOOD_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) CORDWOOD_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) CORDWOOD_TSA(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS CORDWOOD_TSA(no_thread_safety_analysis)

namespace cordwood {

/// std::mutex with clang's thread-safety annotations; the clang build refuses unguarded access.
class CORDWOOD_TSA(capability("mutex")) Mutex {
 public:
  void lock() ACQUIRE() { mu_.lock(); }
  void unlock() RELEASE() { mu_.unlock(); }
  std::mutex& native() { return mu_; }

 private:
  std::mutex mu_;
};

class CORDWOOD_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mu) ACQUIRE(mu) : mu_(mu) { mu_.lock(); }
  ~MutexLock() RELEASE() { mu_.unlock(); }
  MutexLock(const MutexLock&) = delete;  // a scope owns its lock
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

/// Waits on a held Mutex.
class CondVar {
 public:
  void wait(Mutex& mu) REQUIRES(mu) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mu.native(), std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  /// False when the time ran out.
  template <typename Duration>
  bool wait_for(Mutex& mu, Duration d) REQUIRES(mu) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mu.native(), std::adopt_lock);
    const bool woken = cv_.wait_for(lock, d) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void notify_one() { cv_.notify_one(); }
  void notify_all() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace cordwood
