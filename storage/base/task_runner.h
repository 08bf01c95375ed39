// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

namespace cordwood {

/// Where background work runs.  A test passes one that runs tasks when told to, in a fixed order.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  /// Queues a task; tasks may run at once on several threads and in any order.
  virtual void post(std::function<void()> task) = 0;
  /// Returns when every task posted before the call has run.
  virtual void drain() = 0;
};

/// A fixed number of threads; of those without work the one that had some last is given the next.  Its destructor runs
/// what is queued and joins.  The higher their `niceness`, the more other threads come first.
std::unique_ptr<TaskRunner> make_thread_pool(size_t threads, const char* name, int niceness = 0);

}  // namespace cordwood
