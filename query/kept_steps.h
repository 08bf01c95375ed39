// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "query/step_series.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"

namespace cordwood::query {

/// What a range aggregation came to on the steps of a grid, and the version of the store that it was made of at least.
struct KeptVector {
  StepGrid grid;
  uint64_t version = 0;
  StepVector vector;  ///< points by step of `grid`
  uint64_t memory_bytes() const;
};

/// The latest results of range aggregations, for the next refresh of the panels that ask for them: a dashboard's range
/// moves on by seconds, while its steps stay where they are.  Those asked for longest ago go first.  Thread-safe.
class KeptSteps {
 public:
  /// `memory` and `metrics` outlive it.  At `max_bytes` 0 nothing is kept.
  KeptSteps(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics);

  std::shared_ptr<const KeptVector> find(const std::string& key);
  void keep(const std::string& key, std::shared_ptr<const KeptVector> kept);
  /// To be told how many steps of an answer were kept ones.
  void count(uint64_t kept_steps) { steps_.add(kept_steps); }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const KeptVector> kept;
    MemoryReservation bytes;
  };
  using Entries = std::list<Entry>;
  bool make_room(uint64_t bytes) REQUIRES(mu_);
  void drop(Entries::iterator entry) REQUIRES(mu_);

  const uint64_t max_bytes_;
  MemoryAccountant& memory_;
  Counter& steps_;
  Mutex mu_;
  Entries entries_ GUARDED_BY(mu_);  ///< the latest asked for first
  std::unordered_map<std::string_view, Entries::iterator> by_key_ GUARDED_BY(mu_);
  uint64_t bytes_ GUARDED_BY(mu_) = 0;
};

}  // namespace cordwood::query
