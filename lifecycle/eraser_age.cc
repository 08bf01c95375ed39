// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "lifecycle/eraser.h"

namespace cordwood::lifecycle {

/// Whether enough of a segment is beyond its retention: all, half of it, or something for too long.  Told without
/// reading.
bool Eraser::worth_it(const Segment& segment, int64_t now_ns) const {
  const int64_t shortest_ns = options_.retention.shortest_ns();
  if (shortest_ns == 0 || segment.meta().time_min_ns >= now_ns - shortest_ns) return false;
  uint64_t rows = 0;
  uint64_t aged = 0;
  for (const BlockSourcePtr& block : segment.blocks()) {
    for (const BlockStream& part : block->info().streams) {
      rows += part.rows;
      const int64_t period_ns = options_.retention.period_of(*part.stream);
      if (period_ns == 0) continue;
      if (part.time_min_ns < now_ns - period_ns - options_.late_ns) return true;
      if (part.time_max_ns < now_ns - period_ns) aged += part.rows;
    }
  }
  return aged > 0 && aged * 2 >= rows;
}

Eraser::Outcome Eraser::erase_aged_of(const MergeTarget::State& state, const Segment& segment, int64_t now_ns) {
  std::map<TenantId, std::shared_ptr<const TenantVeil>> veils;
  RowsOfTenants aged;
  uint64_t rows = 0;
  uint64_t gone = 0;
  for (const BlockSourcePtr& block : segment.blocks()) {
    const TenantId& tenant = block->info().tenant;
    rows += block->info().rows;
    if (block->info().streams.empty()) return Outcome::nothing;  // damaged: whose rows it has is not known
    auto& veil = veils[tenant];
    if (veil == nullptr) veil = env_.deletes->veil_of(tenant, {}, /*with_retention=*/true);
    if (veil == nullptr) return Outcome::nothing;
    const Result<TenantVeil::Standing> standing = veil->standing(block);
    if (!standing.ok()) {
      env_.log->warn("a block beyond its retention cannot be read and stays",
                     {{"segment", segment.meta().key}, {"error", standing.error().message}});
      return Outcome::nothing;
    }
    if (standing->hidden > 0) aged[tenant] += standing->hidden;
    gone += standing->hidden;
  }
  if (gone == 0) return Outcome::nothing;
  const SegmentMeta& meta = segment.meta();
  // Who misses rows finds in the audit log where they went, whenever the server stops.
  if (const Result<void> noted = note_aged(meta, aged, now_ns, ""); !noted.ok()) {
    counters_.failures.add();
    env_.log->warn("rows beyond their retention stay until the audit log can be written",
                   {{"segment", meta.key}, {"error", noted.error().message}});
    return Outcome::failed;
  }
  const RowSieve sieve = [&veils](const BlockSourcePtr& block) { return veils.at(block->info().tenant)->over(block); };
  if (const Result<void> done = env_.merger->rewrite(state, meta.key, sieve); !done.ok()) {
    if (const Result<void> noted = note_aged(meta, aged, now_ns, done.error().message); !noted.ok()) {
      env_.log->error("the audit log says that rows were removed which are still there",
                      {{"segment", meta.key}, {"error", noted.error().message}});
    }
    if (done.error().kind == ErrorKind::cancelled) return Outcome::failed;
    counters_.failures.add();
    env_.log->warn("rows beyond their retention could not be removed, will try again",
                   {{"segment", meta.key}, {"error", done.error().message}});
    return Outcome::failed;
  }
  (gone == rows ? counters_.aged_dropped : counters_.aged_rewritten).add();
  counters_.aged_rows.add(gone);
  forget_aged(meta, aged);
  return Outcome::did_some;
}

/// `error`: why they are not gone after all.
Result<void> Eraser::note_aged(const SegmentMeta& segment, const RowsOfTenants& aged, int64_t now_ns,
                               const std::string& error) {
  for (const auto& [tenant, rows] : aged) {
    AuditLog::Entry entry;
    entry.act = "retention_removed";
    entry.tenant = tenant;
    entry.id = segment.key;
    entry.start_ns = segment.time_min_ns;
    entry.end_ns = std::min(segment.time_max_ns, now_ns);
    entry.rows = rows;
    entry.error = error;
    TRY(env_.audit->add(entry));
  }
  return {};
}

void Eraser::forget_aged(const SegmentMeta& segment, const RowsOfTenants& aged) {
  for (const auto& [tenant, rows] : aged) {
    env_.log->info("rows beyond their retention removed",
                   {{"tenant", tenant}, {"segment", segment.key}, {"rows", rows}});
    if (!env_.forget_streams) continue;
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    const TimeRange range{segment.time_min_ns, segment.time_max_ns == kMax ? kMax : segment.time_max_ns + 1};
    if (const Result<void> forgotten = env_.forget_streams(tenant, range); !forgotten.ok()) {
      env_.log->warn("streams beyond their retention stay in the stream index",
                     {{"tenant", tenant}, {"error", forgotten.error().message}});
    }
  }
}

/// Once for each step of the clock that ages.
void Eraser::erase_aged() {
  if (options_.retention.shortest_ns() == 0 || env_.clock->monotonic_ns() < retry_aged_at_ns_) return;
  const int64_t now_ns = env_.deletes->retention_now_ns();
  if (aged_at_ns_ == now_ns) return;
  std::vector<std::string> keys;
  {
    const MergeTarget::State state = env_.segments->merge_state();
    for (const auto& segment : state.segments) {
      if (is_ours(state, segment->meta()) && worth_it(*segment, now_ns)) keys.push_back(segment->meta().key);
    }
  }
  for (const std::string& key : keys) {
    if (stop_ || !env_.merger->settled()) return;
    const MergeTarget::State state = env_.segments->merge_state();
    const auto segment =
        std::find_if(state.segments.begin(), state.segments.end(), [&](const auto& s) { return s->meta().key == key; });
    if (segment == state.segments.end()) continue;
    if (erase_aged_of(state, **segment, now_ns) != Outcome::failed) continue;
    retry_aged_at_ns_ = env_.clock->monotonic_ns() + options_.retry_after_ns;
    return;
  }
  aged_at_ns_ = now_ns;
}

}  // namespace cordwood::lifecycle
