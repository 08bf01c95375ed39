// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"
#include "storage/base/object_store.h"
#include "storage/model/stream.h"

namespace cordwood::lifecycle {

/// Who had which rows deleted or held, and when they went: one object of one JSON line for each act, where the segments
/// are (`audit/<node>/<tenant>/<20 digits>.json`), so that it outlives the machine's disk.  Nothing removes them.
/// Thread-safe.
class AuditLog {
 public:
  struct Entry {
    std::string
        act;  ///< delete_requested, delete_cancelled, delete_processed, hold_set, hold_lifted, retention_removed
    TenantId tenant;
    std::string id;
    std::string query;
    int64_t start_ns = 0;  ///< both 0: no range
    int64_t end_ns = 0;
    std::string reason;
    uint64_t rows = 0;
    std::string error;  ///< why it was not done after all
  };
  AuditLog(ObjectStore& store, Clock& clock, std::string node) : store_(store), clock_(clock), node_(std::move(node)) {}

  /// Durable when it returns.
  Result<void> add(const Entry& entry);
  /// Whether one of the newest lines of the tenant, so many, is of this act on this id, and done.
  Result<bool> tells(const TenantId& tenant, const std::string& act, const std::string& id, size_t among) const;
  /// The newest lines of a tenant, newest first.
  Result<std::vector<std::string>> newest(const TenantId& tenant, size_t limit) const;

 private:
  std::string prefix(const TenantId& tenant) const;
  Result<uint64_t> last_number(const TenantId& tenant) const REQUIRES(mu_);

  ObjectStore& store_;
  Clock& clock_;
  const std::string node_;
  mutable Mutex mu_;
  mutable std::map<TenantId, uint64_t> last_ GUARDED_BY(mu_);
};

}  // namespace cordwood::lifecycle
