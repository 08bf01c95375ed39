// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/stored_rows.h"

namespace cordwood {

/// What a store must answer, from what it was asked to store and what it promised.
class AcknowledgedRows {
 public:
  /// In the order of the calls.
  void add(const TenantId& tenant, const std::vector<StoredRow>& rows, bool acknowledged);
  /// Nothing when `found` (in order of stream, time, arrival; copies included) is an answer the store may give:
  /// every acknowledged row is there, no row is there that was never pushed or more often than it was pushed, and
  /// with copies dropped the order of equal times is an order of arrival.  Otherwise what is wrong.
  std::optional<std::string> disagreement(const TenantId& tenant, const std::vector<StoredRow>& found) const;
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  struct Copies {
    std::vector<uint64_t> arrivals;  ///< of every push of this row
    bool acknowledged = false;
    size_t first_acknowledged = 0;  ///< index into arrivals
  };
  using Known = std::map<StoredRow, Copies>;

  std::map<TenantId, Known> tenants_;
  uint64_t next_arrival_ = 1;
  uint64_t acknowledged_ = 0;
};

}  // namespace cordwood
