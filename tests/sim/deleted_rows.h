// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/catalog.h"
#include "tests/support/stored_rows.h"

namespace cordwood {

/// What may, must and must not be seen of rows that were pushed, by the deletes and holds that were asked for and those
/// the store says it has.
class DeletedRows {
 public:
  /// A request for a delete of the rows pushed so far.
  void add_delete(const DeleteRequest& request, uint64_t arrival, bool acknowledged);
  void add_hold(const LegalHold& hold, bool acknowledged);
  /// Whether it was granted or not, it may be gone.
  void cancel(const std::string& id) { deletes_[id].cancelled = true; }
  void lift(const std::string& id) { holds_[id].lifted = true; }

  /// Takes over what the store has; what is wrong with that, or an empty text.
  std::string follow(const CatalogActs& acts);
  bool must_be_hidden(const TenantId& tenant, const StoredRow& row, uint64_t arrival) const;
  /// May have been taken out of the files at some time.
  bool may_be_gone(const TenantId& tenant, const StoredRow& row, uint64_t arrival) const;

 private:
  struct Delete {
    DeleteRequest request;
    uint64_t arrival = 0;
    uint64_t number = 0;  ///< in the order of acts
    bool acknowledged = false;
    bool cancelled = false;
    bool known = false;  ///< the store has it
    bool processed = false;
  };
  struct Hold {
    LegalHold hold;
    uint64_t number = 0;
    bool acknowledged = false;
    bool lifted = false;
    bool known = false;
  };
  bool covers(const Delete& d, const TenantId& tenant, const StoredRow& row, uint64_t arrival) const;
  bool is_held(const TenantId& tenant, const StoredRow& row) const;
  bool held_since_before(const Delete& d, const TenantId& tenant, const StoredRow& row) const;

  std::map<std::string, Delete> deletes_;
  std::map<std::string, Hold> holds_;
  uint64_t next_number_ = 0;
};

}  // namespace cordwood
