// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/deletion.h"
#include "storage/snapshot.h"
#include "tests/support/stored_rows.h"

namespace cordwood {

/// What several machines were asked to store in one bucket, no two rows alike, and what each of them must answer.
class PushedRows {
 public:
  static constexpr size_t kNobody = SIZE_MAX;

  explicit PushedRows(std::vector<TenantId> tenants) : tenants_(std::move(tenants)) {}
  /// Pushed and not acknowledged, yet.  `only_on`: the machine whose disk alone may have them.  Answers the number of
  /// the first.
  size_t add(const TenantId& tenant, const std::vector<StoredRow>& rows, size_t only_on);
  void acknowledge(size_t first, size_t rows);
  /// The bucket has what that machine's disk had.
  void published_by(size_t machine);
  /// `<stream> *`; means what was pushed so far.  Once more with `done` when it was granted.
  void deleted(const DeleteRequest& request, bool done);
  bool any_only_on(size_t machine) const;
  /// What is wrong with what a machine answers, if so: it must have all that was acknowledged but what only another's
  /// disk has, each row once, and nothing that is deleted.
  std::optional<std::string> disagreement(const Snapshot& snapshot, size_t machine) const;

 private:
  struct Pushed {
    TenantId tenant;
    StoredRow row;
    bool acknowledged = false;
    size_t only_on = kNobody;
    bool deleted = false;
    bool may_be_gone = false;  ///< whether a delete was made is not known
  };
  const std::vector<TenantId> tenants_;
  std::vector<Pushed> pushed_;
};

}  // namespace cordwood
