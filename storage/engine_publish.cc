// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/engine_impl.h"
#include "storage/segment_key.h"
#include "storage/wal_objects.h"

namespace cordwood {

/// Segments, catalog change, snapshots, leftovers: in this order, each durable before the next.
Result<void> EngineImpl::publish(const Work& work) {
  const int64_t start_ns = env_.clock->monotonic_ns();
  Unpublished& of = *work.of;
  Generation& generation = *of.generation;
  if (taken_over_) return Error::unavailable(taken_over());
  // After a commit that failed the change may have been made all the same: only the very same segments will do.
  if (of.written.empty()) {
    TRY_ASSIGN(of.written, write_segments(generation, of.log));
  }
  std::vector<std::shared_ptr<const PublishedSegment>> opened;
  for (const SegmentMeta& meta : of.written) {
    TRY_ASSIGN(auto segment, Segment::open(*env_.store, meta, env_.terms, &registry_));
    opened.push_back(std::make_shared<PublishedSegment>(std::move(segment), *env_.memory));
  }
  TRY(commit(work, opened));
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t stored_bytes = 0;
  for (const SegmentMeta& meta : of.written) {
    rows += meta.rows;
    raw_bytes += meta.raw_bytes;
    stored_bytes += meta.size_bytes;
  }
  metrics_.segments_published.add(of.written.size());
  metrics_.bytes_published.add(stored_bytes);
  env_.log->info("generation published", {{"generation", generation.number()},
                                          {"segments", of.written.size()},
                                          {"rows", rows},
                                          {"raw_bytes", raw_bytes},
                                          {"stored_bytes", stored_bytes},
                                          {"ms", (env_.clock->monotonic_ns() - start_ns) / 1'000'000}});
  remove_leftovers(of);
  return {};
}

Result<void> EngineImpl::commit_change(const CatalogChange& change) {
  Result<void> made = catalog_->commit(change);
  if (!made.ok() && catalog_->taken_over() && !taken_over_.exchange(true)) {
    env_.log->error("another server writes as this node: nothing is taken or published any more",
                    {{"node", options_.node}, {"error", made.error().message}});
  }
  return made;
}

/// Keys are unique per attempt: what an earlier process left under the same generation is never touched.
Result<std::vector<SegmentMeta>> EngineImpl::write_segments(Generation& generation, const WalLog& log) {
  std::vector<SegmentMeta> written;
  const std::vector<SpilledBlock> blocks = generation.spilled_blocks();
  if (blocks.empty()) return written;
  const std::string prefix = fmt::format("{}{:020}-", segment_prefix(options_.node), generation.number());
  TRY_ASSIGN(const std::vector<ObjectInfo> before, env_.store->list_all(prefix));
  uint64_t attempt = 1;
  if (!before.empty()) attempt += std::strtoull(before.back().key.c_str() + prefix.size(), nullptr, 10);

  uint64_t all_bytes = 0;
  for (const SpilledBlock& block : blocks) all_bytes += block.narrow_bytes + block.heap_bytes;
  const uint64_t most = std::max<uint64_t>(options_.generation_segments, 1);
  const uint64_t segment_bytes = std::max(options_.segment_bytes, (all_bytes + most - 1) / most);
  SegmentOrigin origin;
  origin.log_mark = log.mark;
  for (size_t begin = 0; begin < blocks.size();) {
    size_t end = begin;
    uint64_t bytes = 0;
    while (end < blocks.size() && (end == begin || bytes < segment_bytes)) {
      bytes += blocks[end].narrow_bytes + blocks[end].heap_bytes;
      ++end;
    }
    const std::string key = fmt::format("{}{:06}-{:04}.seg", prefix, attempt, written.size());
    const std::vector<SpilledBlock> part(blocks.begin() + static_cast<ptrdiff_t>(begin),
                                         blocks.begin() + static_cast<ptrdiff_t>(end));
    Result<SegmentMeta> meta = write_segment(*env_.store, key, options_.node, generation.number(), part, origin);
    if (!meta.ok()) {
      // No manifest names them yet; what cannot be removed now is an orphan and goes at the next start.
      for (const SegmentMeta& done : written) (void)env_.store->remove(done.key);
      return std::move(meta).error();
    }
    written.push_back(std::move(meta).value());
    begin = end;
  }
  return written;
}

Result<void> EngineImpl::commit(const Work& work, const std::vector<std::shared_ptr<const PublishedSegment>>& opened) {
  const uint64_t number = work.of->generation->number();
  const MutexLock commit_lock(commit_mu_);
  if (!opened.empty()) {
    CatalogChange change;
    change.added = work.of->written;
    change.generations_done = {{number, work.of->log.mark}};
    TRY(commit_change(change));
    TRY(follow_acts());
  }
  const MutexLock lock(mu_);
  auto published = std::make_shared<PublishedSegments>(*published_);
  published->insert(published->end(), opened.begin(), opened.end());
  published_ = std::move(published);
  catalog_version_ = catalog_->version();
  std::erase(unpublished_, work.of);
  return {};
}

/// The generation is done: a failure here costs space until the next start, nothing else.
void EngineImpl::remove_leftovers(const Unpublished& of) {
  remove_leftovers({of.generation->number(), true, of.log}, of.keep_wal);
}

void EngineImpl::remove_leftovers(const LocalWalLog& log, bool keep_wal) {
  const uint64_t number = log.number;
  Result<void> removed = keep_wal ? set_wal_aside(number) : remove_wal(*env_.fs, wal_dir_, number);
  if (removed.ok() && has_stored_logs()) {
    // In the store it has the number it was begun with, and maybe not alone.
    const uint64_t begun_as = log.log.generation;
    const bool alone = std::all_of(stored_logs_.begin(), stored_logs_.end(), [&](const WalLog& stored) {
      return stored.generation != begun_as || stored == log.log;
    });
    const auto objects = remove_wal_objects(*env_.store, options_.node, begun_as, begun_as, options_.parallel_reads,
                                            alone ? std::nullopt : std::optional(log.log.mark));
    if (!objects.ok()) removed = objects.error();
  }
  if (!removed.ok()) {
    env_.log->warn("the write-ahead log of a published generation could not be removed",
                   {{"generation", number}, {"error", removed.error().message}});
  }
}

}  // namespace cordwood
