// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/catalog.h"
#include "storage/veil.h"

namespace cordwood {

/// Deletes and holds of the store: durable before a call returns, seen by every snapshot from then on.  After an error
/// other than invalid and not_found the change may have been made all the same.  Thread-safe.
class DeleteTarget {
 public:
  virtual ~DeleteTarget() = default;

  virtual CatalogActs acts() const = 0;
  /// Requests of a tenant that are not processed yet.
  virtual size_t deletes_waiting(const TenantId& tenant) const = 0;
  /// Gives the request its place in the order of arrival: rows appended after the call are not meant.  invalid when
  /// its query is not understood.
  virtual Result<void> request_delete(DeleteRequest request) = 0;
  /// What it hid is seen again.  not_found; invalid when rows are gone already (DeleteRequest::begun), unless `force`d:
  /// then the rest is seen again.
  virtual Result<void> cancel_delete(const std::string& id, bool force) = 0;
  virtual Result<void> mark_processed(const std::string& id, int64_t now_ns) = 0;
  virtual Result<void> set_hold(LegalHold hold) = 0;
  virtual Result<void> lift_hold(const std::string& id) = 0;

  /// What some of the deletes (by id) and, if asked for, retention hide of a tenant; null for nothing.  For those who
  /// take rows out for good.
  virtual std::shared_ptr<const TenantVeil> veil_of(const TenantId& tenant, const std::vector<std::string>& deletes,
                                                    bool with_retention) const = 0;
  /// By which age is told now; moves in steps.
  virtual int64_t retention_now_ns() const = 0;

  /// A mark for what is on its way out at the moment: objects that were replaced or dropped.
  virtual uint64_t retired_mark() const = 0;
  /// Whether nothing is left on disk of segments retired before the mark, of objects that nobody names, and of the WAL
  /// of generations up to `generation`, which are published.  Removes what can be removed.
  virtual Result<bool> nothing_left(uint64_t mark, uint64_t generation) = 0;
};

}  // namespace cordwood
