// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/model/stream.h"

namespace cordwood {

/// Which times the rows had that became visible lately, so that a reader can tell how much of what it made of them
/// before still holds.  Versions count up from 0.  Thread-safe.
class ChangeLog {
 public:
  uint64_t version() const;
  /// Rows of these times, or younger ones, have become visible.
  void note(const TenantId& tenant, int64_t oldest_ns);
  /// Anything may have changed.
  void note_all();
  /// The oldest time of the tenant's rows that a snapshot may show now and may not have shown when version() was
  /// `version`, or an older one; INT64_MAX when there are none.
  int64_t oldest_since(const TenantId& tenant, uint64_t version) const;

 private:
  struct Change {
    uint64_t version;
    int64_t oldest_ns;
  };
  /// Both rise: whatever came before something older says nothing any more.
  using Changes = std::vector<Change>;
  static constexpr size_t kMostChanges = 256;

  mutable Mutex mu_;
  uint64_t version_ GUARDED_BY(mu_) = 0;
  uint64_t all_changed_ GUARDED_BY(mu_) = 0;  ///< the version with which anything may have changed
  std::unordered_map<TenantId, Changes> tenants_ GUARDED_BY(mu_);
};

}  // namespace cordwood
