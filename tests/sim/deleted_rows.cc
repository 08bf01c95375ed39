// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/deleted_rows.h"

#include <algorithm>

namespace cordwood {

namespace {

/// As SimplePredicate reads it.
bool means(const std::string& query, const StoredRow& row) {
  const size_t space = query.find(' ');
  const std::string app = query.substr(0, space), needle = query.substr(space + 1);
  return (app == "*" || row.stream == app) && (needle == "*" || row.line.find(needle) != std::string::npos);
}

}  // namespace

void DeletedRows::add_delete(const DeleteRequest& request, uint64_t arrival, bool acknowledged) {
  deletes_[request.id] = {request, arrival, next_number_++, acknowledged, false, acknowledged, false};
}

void DeletedRows::add_hold(const LegalHold& hold, bool acknowledged) {
  holds_[hold.id] = {hold, next_number_++, acknowledged, false, acknowledged};
}

std::string DeletedRows::follow(const CatalogActs& acts) {
  for (auto& [id, d] : deletes_) {
    const auto found =
        std::find_if(acts.deletes.begin(), acts.deletes.end(), [&](const auto& r) { return r.id == id; });
    d.known = found != acts.deletes.end();
    if (!d.known && d.acknowledged && !d.cancelled) return "a delete request is lost: " + id;
    const bool processed = d.known && found->state == DeleteRequest::State::processed;
    if (d.processed && !processed && d.known) return "a delete request is not processed any more: " + id;
    d.processed = d.processed || processed;
  }
  for (auto& [id, h] : holds_) {
    h.known = std::any_of(acts.holds.begin(), acts.holds.end(), [&](const auto& hold) { return hold.id == id; });
    if (!h.known && h.acknowledged && !h.lifted) return "a hold is lost: " + id;
  }
  return {};
}

bool DeletedRows::covers(const Delete& d, const TenantId& tenant, const StoredRow& row, uint64_t arrival) const {
  return d.request.tenant == tenant && arrival < d.arrival && row.time_ns >= d.request.start_ns &&
         row.time_ns <= d.request.end_ns && means(d.request.query, row);
}

bool DeletedRows::is_held(const TenantId& tenant, const StoredRow& row) const {
  return std::any_of(holds_.begin(), holds_.end(), [&](const auto& entry) {
    const LegalHold& hold = entry.second.hold;
    return entry.second.known && hold.tenant == tenant && row.time_ns >= hold.start_ns && row.time_ns <= hold.end_ns &&
           means(hold.selector, row);
  });
}

bool DeletedRows::held_since_before(const Delete& d, const TenantId& tenant, const StoredRow& row) const {
  return std::any_of(holds_.begin(), holds_.end(), [&](const auto& entry) {
    const Hold& h = entry.second;
    return h.acknowledged && !h.lifted && h.number < d.number && h.hold.tenant == tenant &&
           row.time_ns >= h.hold.start_ns && row.time_ns <= h.hold.end_ns && means(h.hold.selector, row);
  });
}

bool DeletedRows::must_be_hidden(const TenantId& tenant, const StoredRow& row, uint64_t arrival) const {
  const bool held = is_held(tenant, row);
  return std::any_of(deletes_.begin(), deletes_.end(), [&](const auto& entry) {
    const Delete& d = entry.second;
    return (d.processed || (d.known && !held)) && covers(d, tenant, row, arrival);
  });
}

bool DeletedRows::may_be_gone(const TenantId& tenant, const StoredRow& row, uint64_t arrival) const {
  return std::any_of(deletes_.begin(), deletes_.end(), [&](const auto& entry) {
    return covers(entry.second, tenant, row, arrival) && !held_since_before(entry.second, tenant, row);
  });
}

}  // namespace cordwood
