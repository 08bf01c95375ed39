// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/pushed_rows.h"

#include <algorithm>
#include <map>

namespace cordwood {

size_t PushedRows::add(const TenantId& tenant, const std::vector<StoredRow>& rows, size_t only_on) {
  for (const StoredRow& row : rows) pushed_.push_back({tenant, row, false, only_on, false, false});
  return pushed_.size() - rows.size();
}

void PushedRows::acknowledge(size_t first, size_t rows) {
  for (size_t i = first; i < first + rows; ++i) pushed_[i].acknowledged = true;
}

void PushedRows::published_by(size_t machine) {
  for (Pushed& pushed : pushed_) {
    if (pushed.only_on == machine) pushed.only_on = kNobody;
  }
}

void PushedRows::deleted(const DeleteRequest& request, bool done) {
  for (Pushed& pushed : pushed_) {
    const bool meant = pushed.tenant == request.tenant && request.query.starts_with(pushed.row.stream) &&
                       pushed.row.time_ns >= request.start_ns && pushed.row.time_ns <= request.end_ns;
    pushed.deleted = pushed.deleted || (meant && done);
    pushed.may_be_gone = pushed.may_be_gone || meant;
  }
}

bool PushedRows::any_only_on(size_t machine) const {
  return std::any_of(pushed_.begin(), pushed_.end(),
                     [machine](const Pushed& p) { return p.acknowledged && p.only_on == machine; });
}

std::optional<std::string> PushedRows::disagreement(const Snapshot& snapshot, size_t machine) const {
  std::map<std::pair<TenantId, StoredRow>, size_t> seen;
  for (const TenantId& tenant : tenants_) {
    const Result<std::vector<StoredRow>> found = read_rows(snapshot, tenant);
    if (!found.ok()) return "cannot be read: " + found.error().message;
    for (const StoredRow& row : *found) ++seen[{tenant, row}];
  }
  for (const Pushed& pushed : pushed_) {
    const auto it = seen.find({pushed.tenant, pushed.row});
    const size_t times = it == seen.end() ? 0 : it->second;
    const bool here = pushed.only_on == kNobody || pushed.only_on == machine;
    const bool wanted = pushed.acknowledged && here && !pushed.deleted && !pushed.may_be_gone;
    const std::string row = to_string(pushed.row);
    if (times > 1) return fmt::format("{} times: {}{}", times, pushed.acknowledged ? "" : "(refused) ", row);
    if (times == 0 && wanted) return "acknowledged, but gone: " + row;
    if (times > 0 && pushed.deleted) return "deleted, but seen: " + row;
    if (it != seen.end()) seen.erase(it);
  }
  if (seen.empty()) return std::nullopt;
  return "was never pushed: " + to_string(seen.begin()->first.second);
}

}  // namespace cordwood
