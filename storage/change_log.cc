// SPDX-License-Identifier: Apache-2.0
#include "storage/change_log.h"

#include <algorithm>
#include <limits>

namespace cordwood {

uint64_t ChangeLog::version() const {
  const MutexLock lock(mu_);
  return version_;
}

void ChangeLog::note(const TenantId& tenant, int64_t oldest_ns) {
  const MutexLock lock(mu_);
  Changes& changes = tenants_[tenant];
  while (!changes.empty() && changes.back().oldest_ns >= oldest_ns) changes.pop_back();
  changes.push_back({++version_, oldest_ns});
  if (changes.size() < kMostChanges) return;
  // Of the older half two neighbours become one: as late as the later, as old as the older.
  const auto half = changes.begin() + kMostChanges / 2;
  auto kept = changes.begin();
  for (auto pair = changes.begin(); pair != half; pair += 2) *kept++ = {pair[1].version, pair[0].oldest_ns};
  changes.erase(kept, half);
}

void ChangeLog::note_all() {
  const MutexLock lock(mu_);
  all_changed_ = ++version_;
  tenants_.clear();
}

int64_t ChangeLog::oldest_since(const TenantId& tenant, uint64_t version) const {
  const MutexLock lock(mu_);
  if (version < all_changed_) return std::numeric_limits<int64_t>::min();
  const auto known = tenants_.find(tenant);
  if (known == tenants_.end()) return std::numeric_limits<int64_t>::max();
  const Changes& changes = known->second;
  const auto first = std::partition_point(changes.begin(), changes.end(),
                                          [version](const Change& change) { return change.version <= version; });
  return first == changes.end() ? std::numeric_limits<int64_t>::max() : first->oldest_ns;
}

}  // namespace cordwood
