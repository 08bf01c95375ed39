// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "storage/model/stream.h"
#include "storage/model/time_range.h"

namespace cordwood::query {

/// What reads that are thought alike have in common: the tenant, the query but for its quoted texts (of which app, with
/// which words), and to a factor of two how long a time it looks at.
uint64_t read_kind(const TenantId& tenant, std::string_view query, TimeRange range);

/// How much processor time reads of a kind took lately: a mean in which each new one counts a quarter.  As large as it
/// is, however many kinds there are: those that meet share a mean, so it is good for guesses alone.  Thread-safe.
class ReadCosts {
 public:
  /// 0 when none is known.
  int64_t expected_ns(uint64_t kind) const { return mean_of(kind).load(std::memory_order_relaxed); }
  void took(uint64_t kind, int64_t cpu_ns);

 private:
  std::atomic<int64_t>& mean_of(uint64_t kind) const { return means_ns_[kind % means_ns_.size()]; }

  mutable std::array<std::atomic<int64_t>, 4096> means_ns_{};
};

}  // namespace cordwood::query
