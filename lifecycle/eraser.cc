// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/eraser.h"

#include <algorithm>
#include <limits>

namespace cordwood::lifecycle {

namespace {

TimeRange half_open(int64_t start_ns, int64_t end_ns) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return {start_ns, end_ns == kMax ? kMax : end_ns + 1};
}

}  // namespace

Eraser::Counters::Counters(Metrics& m)
    : processed(m.counter("cordwood_delete_requests_processed_total", "Delete requests carried out.")),
      rewritten(m.counter("cordwood_delete_segments_rewritten_total", "Segments written anew without deleted rows.")),
      dropped(m.counter("cordwood_delete_segments_dropped_total", "Segments of nothing but deleted rows dropped.")),
      rows(m.counter("cordwood_delete_rows_total", "Rows removed because they were deleted.")),
      failures(m.counter("cordwood_delete_failures_total", "Removals of rows given up; they are tried again.")),
      aged_dropped(m.counter("cordwood_retention_segments_dropped_total", "Segments beyond their retention dropped.")),
      aged_rewritten(m.counter("cordwood_retention_segments_rewritten_total",
                               "Segments written anew without rows beyond their retention.")),
      aged_rows(m.counter("cordwood_retention_rows_total", "Rows removed because their retention was over.")) {}

Eraser::Eraser(EraserOptions options, Environment environment)
    : options_(std::move(options)), env_(std::move(environment)), counters_(*env_.metrics) {}

Eraser::Progress Eraser::progress(const std::string& id) const {
  const MutexLock lock(mu_);
  const auto known = progress_.find(id);
  return known == progress_.end() ? Progress{} : known->second;
}

void Eraser::note(const std::vector<std::string>& ids, size_t left, size_t of, bool held) {
  const MutexLock lock(mu_);
  for (const std::string& id : ids) {
    progress_[id] = {of == 0 ? 0 : static_cast<uint32_t>(100 * (of - left) / of), held};
  }
}

void Eraser::tick() {
  if (stop_ || env_.deletes == nullptr || !env_.merger->settled()) return;
  look_ahead();
  erase_deleted();
  if (!stop_ && env_.merger->settled()) erase_aged();
}

void Eraser::look_ahead() {
  for (const DeleteRequest& request : env_.deletes->acts().deletes) {
    if (request.state == DeleteRequest::State::processed || looked_at_.contains(request.id)) continue;
    const MergeTarget::State state = env_.segments->merge_state();
    // Blocks of the generation that the request closed come later.
    if (state.first_unpublished <= request.generation) continue;
    const auto veil = env_.deletes->veil_of(request.tenant, {request.id}, /*with_retention=*/false);
    for (const auto& segment : state.segments) {
      if (stop_ || veil == nullptr) return;
      if (segment->meta().arrival_min <= request.arrival_cut) (void)contents(*segment, request.tenant, *veil);
    }
    looked_at_.insert(request.id);
  }
}

/// Segments of other nodes have arrivals of their own; of generations not published yet more may come.
bool Eraser::is_ours(const MergeTarget::State& state, const SegmentMeta& meta) const {
  return meta.node == state.node && meta.generation < state.first_unpublished;
}

Eraser::Contents Eraser::contents(const Segment& segment, const TenantId& tenant, const TenantVeil& veil) const {
  Contents found;
  for (const BlockSourcePtr& block : segment.blocks()) {
    found.rows += block->info().rows;
    if (block->info().tenant != tenant && !block->info().streams.empty()) continue;
    found.unknown = found.unknown || block->info().streams.empty();
    const Result<TenantVeil::Standing> standing = veil.standing(block);
    if (!standing.ok()) {
      found.unknown = true;
      env_.log->warn("a block cannot be read, so nobody knows whether rows have to go",
                     {{"segment", segment.meta().key}, {"error", standing.error().message}});
      continue;
    }
    found.hidden += standing->hidden;
    found.held += standing->held;
  }
  return found;
}

Eraser::Outcome Eraser::rewrite(const MergeTarget::State& state, const Segment& segment, const TenantId& tenant,
                                const TenantVeil& veil) {
  const RowSieve sieve = [&](const BlockSourcePtr& block) {
    return block->info().tenant == tenant ? veil.over(block) : block;
  };
  const Result<void> done = env_.merger->rewrite(state, segment.meta().key, sieve);
  if (done.ok()) return Outcome::did_some;
  if (done.error().kind != ErrorKind::cancelled) {
    counters_.failures.add();
    env_.log->warn("rows could not be removed from a segment, will try again",
                   {{"segment", segment.meta().key}, {"error", done.error().message}});
  }
  return Outcome::failed;
}

void Eraser::erase_deleted() {
  if (!options_.erase || env_.clock->monotonic_ns() < retry_at_ns_) return;
  const int64_t now_ns = env_.clock->now_ns();
  std::map<TenantId, std::vector<DeleteRequest>> due;
  for (DeleteRequest& request : env_.deletes->acts().deletes) {
    if (request.state == DeleteRequest::State::processed) continue;
    if (now_ns - request.created_ns < options_.cancel_period_ns) continue;
    due[request.tenant].push_back(std::move(request));
  }
  std::erase_if(passes_, [&due](const auto& pass) { return !due.contains(pass.first); });
  if (due.empty()) {
    marks_.clear();
    if (env_.deletes->acts().deletes.empty()) looked_at_.clear();
    const MutexLock lock(mu_);
    progress_.clear();
  }
  for (const auto& [tenant, requests] : due) {
    if (stop_) return;
    erase_of(tenant, requests);
  }
}

void Eraser::erase_of(const TenantId& tenant, const std::vector<DeleteRequest>& due) {
  std::vector<std::string> ids;
  for (const DeleteRequest& request : due) ids.push_back(request.id);
  const uint64_t holds_version = env_.segments->merge_state().holds_version;
  Pass& pass = passes_[tenant];
  if (pass.veil == nullptr || pass.ids != ids || pass.holds_version != holds_version) {
    pass = {ids, holds_version, env_.deletes->veil_of(tenant, ids, /*with_retention=*/false), 0};
  }
  if (pass.veil == nullptr) return;
  if (!clear(tenant, &pass)) return;
  for (const DeleteRequest& request : due) {
    if (stop_) return;
    finish(request);
  }
}

/// Takes the rows out of all segments; true when none has any left that may be taken.
bool Eraser::clear(const TenantId& tenant, Pass* pass) {
  std::vector<std::string> dirty;
  bool held = false;
  {
    const MergeTarget::State state = env_.segments->merge_state();
    for (const auto& segment : state.segments) {
      if (stop_) return false;
      if (!is_ours(state, segment->meta())) continue;
      const Contents found = contents(*segment, tenant, *pass->veil);
      if (found.hidden > 0) dirty.push_back(segment->meta().key);
      held = held || found.held > 0;
    }
  }
  pass->segments = std::max(pass->segments, dirty.size());
  note(pass->ids, dirty.size(), pass->segments, held);
  for (size_t i = 0; i < dirty.size(); ++i) {
    if (stop_ || !env_.merger->settled()) return false;
    const MergeTarget::State state = env_.segments->merge_state();
    const auto segment = std::find_if(state.segments.begin(), state.segments.end(),
                                      [&](const auto& s) { return s->meta().key == dirty[i]; });
    if (segment == state.segments.end() || state.holds_version != pass->holds_version) return false;
    const Contents found = contents(**segment, tenant, *pass->veil);
    if (rewrite(state, **segment, tenant, *pass->veil) == Outcome::failed) {
      retry_at_ns_ = env_.clock->monotonic_ns() + options_.retry_after_ns;
      return false;
    }
    (found.hidden == found.rows ? counters_.dropped : counters_.rewritten).add();
    counters_.rows.add(found.hidden);
    note(pass->ids, dirty.size() - i - 1, pass->segments, held);
  }
  return dirty.empty();
}

/// Whether nothing of the request is in a segment or to come into one.
Result<bool> Eraser::is_gone(const DeleteRequest& request) {
  const MergeTarget::State state = env_.segments->merge_state();
  if (state.first_unpublished <= request.generation) return false;
  const auto veil = env_.deletes->veil_of(request.tenant, {request.id}, /*with_retention=*/false);
  if (veil == nullptr) return false;
  const TimeRange range = half_open(request.start_ns, request.end_ns);
  for (const SegmentMeta& meta : state.unreadable) {
    if (meta.node != state.node || meta.arrival_min > request.arrival_cut) continue;
    if (!range.overlaps_closed(meta.time_min_ns, meta.time_max_ns)) continue;
    return Error::corrupt(fmt::format("segment {} cannot be read, and may hold deleted rows", meta.key));
  }
  for (const auto& segment : state.segments) {
    if (segment->meta().node != state.node || segment->meta().arrival_min > request.arrival_cut) continue;
    const Contents found = contents(*segment, request.tenant, *veil);
    if (found.unknown) {
      return Error::corrupt(
          fmt::format("segment {} has a damaged block, and may hold deleted rows", segment->meta().key));
    }
    if (found.hidden > 0 || found.held > 0) return false;
  }
  return true;
}

void Eraser::finish(const DeleteRequest& request) {
  const auto finished = [&]() -> Result<bool> {
    TRY_ASSIGN(const bool gone, is_gone(request));
    if (!gone) return false;
    if (!marks_.contains(request.id)) {
      if (env_.forget_streams) TRY(env_.forget_streams(request.tenant, half_open(request.start_ns, request.end_ns)));
      marks_[request.id] = env_.deletes->retired_mark();
    }
    TRY_ASSIGN(const bool nothing_left, env_.deletes->nothing_left(marks_[request.id], request.generation));
    if (!nothing_left) return false;
    // Who sees that it is processed finds the act in the audit log, whenever the server stops.
    TRY(note_processed(request));
    TRY(env_.deletes->mark_processed(request.id, env_.clock->now_ns()));
    return true;
  }();
  if (!finished.ok()) {
    counters_.failures.add();
    env_.log->warn("a delete request cannot be finished, will try again",
                   {{"request", request.id}, {"tenant", request.tenant}, {"error", finished.error().message}});
    retry_at_ns_ = env_.clock->monotonic_ns() + options_.retry_after_ns;
  }
  if (!finished.ok() || !*finished) return;
  marks_.erase(request.id);
  noted_.erase(request.id);
  {
    const MutexLock lock(mu_);
    progress_.erase(request.id);
  }
  counters_.processed.add();
  env_.log->info("delete request processed", {{"request", request.id}, {"tenant", request.tenant}});
}

/// Once, also when what comes after it has to be tried again, or the server stopped in between.
Result<void> Eraser::note_processed(const DeleteRequest& request) {
  constexpr size_t kAmong = 8;
  if (noted_.contains(request.id)) return {};
  TRY_ASSIGN(const bool noted, env_.audit->tells(request.tenant, "delete_processed", request.id, kAmong));
  if (noted) return {};
  AuditLog::Entry entry;
  entry.act = "delete_processed";
  entry.tenant = request.tenant;
  entry.id = request.id;
  entry.query = request.query;
  entry.start_ns = request.start_ns;
  entry.end_ns = request.end_ns;
  TRY(env_.audit->add(entry));
  noted_.insert(request.id);
  return {};
}

}  // namespace cordwood::lifecycle
