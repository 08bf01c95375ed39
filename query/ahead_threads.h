// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "storage/base/metrics.h"
#include "storage/base/run_delay.h"
#include "storage/base/task_runner.h"

namespace cordwood::query {

struct AheadOptions {
  uint32_t threads = 1;
  /// A query that has read the blocks of a selector for so long has shown that it reads on, and is helped.  How busy
  /// the machine is is looked at as often.
  int64_t begin_after_ns = 10'000'000;
  /// What tells how long the calling thread has waited for a processor.  While a query waits for more than a
  /// sixteenth of its time nobody helps it: others need the processors.
  std::function<int64_t()> run_delay_ns = &cordwood::run_delay_ns;
};

/// The threads that open blocks ahead of queries (see BlocksAhead), for all queries together.  Thread-safe; outlives
/// the queries.
class AheadThreads {
 public:
  AheadThreads(AheadOptions options, Metrics& metrics)
      : options_(std::move(options)),
        opened_(metrics.counter("cordwood_query_blocks_ahead_total",
                                "Blocks that other threads opened and filtered ahead of a query.")),
        runner_(make_thread_pool(options_.threads, "query-ahead", kNiceness)) {}
  const AheadOptions& options() const { return options_; }
  TaskRunner& runner() { return *runner_; }
  Counter& opened() { return opened_; }

 private:
  static constexpr int kNiceness = 10;  ///< what one thread must do for another query comes first
  const AheadOptions options_;
  Counter& opened_;
  std::unique_ptr<TaskRunner> runner_;
};

}  // namespace cordwood::query
