// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "query/kept_entries.h"
#include "query/logql_ast.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/base/result.h"
#include "storage/model/time_range.h"

namespace cordwood::query {

/// The latest results of one kind, by question, for the next refresh of the panels that ask it.  Those asked for
/// longest ago go first.  T tells its memory_bytes().  Thread-safe.
template <typename T>
class KeptResults {
 public:
  /// `memory` and `taken`, which counts what was of use again, outlive it.  At `max_bytes` 0 nothing is kept.
  KeptResults(uint64_t max_bytes, MemoryAccountant& memory, Counter& taken)
      : max_bytes_(max_bytes), taken_(taken), entries_(max_bytes, memory) {}

  /// Null when there is none.
  std::shared_ptr<const T> find(const std::string& key) {
    const MutexLock lock(mu_);
    return entries_.find(key);
  }
  /// No result takes more than a share of the room.
  bool takes(uint64_t bytes) const { return bytes <= max_bytes_ / kShare; }
  void keep(const std::string& key, std::shared_ptr<const T> kept) {
    const uint64_t bytes = kept->memory_bytes();
    const MutexLock lock(mu_);
    if (!takes(bytes)) return entries_.drop(key);
    entries_.put(key, std::move(kept), bytes);
  }
  /// To be told how much of an answer was known.
  void count(uint64_t taken) { taken_.add(taken); }

 private:
  static constexpr uint64_t kShare = 4;

  const uint64_t max_bytes_;
  Counter& taken_;
  Mutex mu_;
  KeptEntries<const T> entries_ GUARDED_BY(mu_);
};

struct QueryScope;

/// Whether the same rows always come to the same: what is not so cannot be kept.
bool depends_on_rows_alone(const LogQuery& query);

/// The planned bytes of a query (QueryStats) were nothing kept, which are not counted yet: what it costs its budget
/// shall not depend on what was asked before.  Fails where they are too many.
Result<uint64_t> planned_bytes_of_all(const QueryScope& scope, TimeRange range, const LogQuery& query);

}  // namespace cordwood::query
