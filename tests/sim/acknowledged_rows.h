// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/deleted_rows.h"
#include "tests/support/stored_rows.h"

namespace cordwood {

/// What a store must answer, from what it was asked to store and what it promised.
class AcknowledgedRows {
 public:
  /// In the order of the calls.
  void add(const TenantId& tenant, const std::vector<StoredRow>& rows, bool acknowledged);
  /// Nothing when `found` (in order of stream, time, arrival; copies included) is an answer the store may give:
  /// every acknowledged row is there, no row is there that was never pushed or more often than it was pushed, and
  /// with copies dropped the order of equal times is an order of arrival; and none of what is deleted.  Otherwise what
  /// is wrong.
  std::optional<std::string> disagreement(const TenantId& tenant, const std::vector<StoredRow>& found) const;
  /// Arrival of the next row that is added.
  uint64_t next_arrival() const { return next_arrival_; }
  DeletedRows& deleted() { return deleted_; }
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  struct Copies {
    std::vector<uint64_t> arrivals;  ///< of every push of this row
    std::vector<bool> promised;      ///< whether that push was acknowledged
    bool acknowledged = false;
    size_t first_acknowledged = 0;  ///< index into arrivals
  };
  using Known = std::map<StoredRow, Copies>;

  bool must_be_there(const TenantId& tenant, const StoredRow& row, const Copies& copies) const;

  std::map<TenantId, Known> tenants_;
  DeletedRows deleted_;
  uint64_t next_arrival_ = 1;
  uint64_t acknowledged_ = 0;
};

}  // namespace cordwood
