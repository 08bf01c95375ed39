// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "query/kept_entries.h"
#include "query/step_series.h"
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
  const uint64_t max_bytes_;
  Counter& steps_;
  Mutex mu_;
  KeptEntries<const KeptVector> entries_ GUARDED_BY(mu_);
};

}  // namespace cordwood::query
