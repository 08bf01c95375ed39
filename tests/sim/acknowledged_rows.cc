// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/acknowledged_rows.h"

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
    acknowledged_ += acknowledged ? 1 : 0;
  }
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
    if (times_seen > 1) continue;
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
    if (copies.acknowledged && !seen.contains(row)) return "acknowledged, but gone: " + to_string(row);
  }
  return std::nullopt;
}

}  // namespace cordwood
