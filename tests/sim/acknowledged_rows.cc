// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/acknowledged_rows.h"

#include <algorithm>
#include <tuple>

namespace cordwood {

void AcknowledgedRows::add(const TenantId& tenant, const std::vector<StoredRow>& rows, bool acknowledged) {
  for (const StoredRow& row : rows) {
    Copies& copies = tenants_[tenant][row];
    if (acknowledged && !copies.acknowledged) {
      copies.acknowledged = true;
      copies.first_acknowledged = copies.arrivals.size();
    }
    copies.arrivals.push_back(next_arrival_++);
    copies.promised.push_back(acknowledged);
    acknowledged_ += acknowledged ? 1 : 0;
  }
}

bool AcknowledgedRows::must_be_there(const TenantId& tenant, const StoredRow& row, const Copies& copies) const {
  for (size_t i = 0; i < copies.arrivals.size(); ++i) {
    if (copies.promised[i] && !deleted_.may_be_gone(tenant, row, copies.arrivals[i])) return true;
  }
  return false;
}

std::optional<std::string> AcknowledgedRows::disagreement(const TenantId& tenant,
                                                          const std::vector<StoredRow>& found) const {
  static const Known kNone;
  const auto it = tenants_.find(tenant);
  const Known& known = it == tenants_.end() ? kNone : it->second;
  std::map<StoredRow, size_t> seen;
  const StoredRow* before = nullptr;
  uint64_t arrival = 0;
  for (const StoredRow& row : found) {
    const auto copies = known.find(row);
    if (copies == known.end()) return "was never pushed: " + to_string(row);
    const size_t times_seen = ++seen[row];
    if (times_seen > copies->second.arrivals.size()) return "more often than pushed: " + to_string(row);
    const auto any = [&](const auto& test) {
      return std::any_of(copies->second.arrivals.begin(), copies->second.arrivals.end(), test);
    };
    if (!any([&](uint64_t at) { return !deleted_.must_be_hidden(tenant, row, at); })) {
      return "deleted, but seen: " + to_string(row);
    }
    // Which copy is left of a row that was deleted and pushed again is not told.
    const bool touched = any([&](uint64_t at) { return deleted_.may_be_gone(tenant, row, at); });
    if (times_seen > 1 || touched) continue;
    if (before == nullptr || std::tie(before->stream, before->time_ns) != std::tie(row.stream, row.time_ns))
      arrival = 0;
    // The copy that stays is the first acknowledged one, or one before it whose push failed but got to the disk.
    const Copies& c = copies->second;
    const size_t last = c.acknowledged ? c.first_acknowledged : c.arrivals.size() - 1;
    size_t copy = 0;
    while (copy <= last && c.arrivals[copy] <= arrival) ++copy;
    if (copy > last) return "out of the order of arrival: " + to_string(row);
    arrival = c.arrivals[copy];
    before = &row;
  }
  for (const auto& [row, copies] : known) {
    if (must_be_there(tenant, row, copies) && !seen.contains(row)) return "acknowledged, but gone: " + to_string(row);
  }
  return std::nullopt;
}

}  // namespace cordwood
