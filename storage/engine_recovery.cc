// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/base/parallel.h"
#include "storage/engine_impl.h"
#include "storage/wal_objects.h"

namespace cordwood {

Result<void> EngineImpl::recover() {
  const int64_t start_ns = env_.clock->monotonic_ns();
  TRY(prepare_directories());
  CatalogOptions catalog_options;
  catalog_options.sqlite_path = options_.data_dir + "/catalog.sqlite";
  catalog_options.node = options_.node;
  catalog_options.parallel_reads = options_.parallel_reads;
  catalog_options.late_view = true;
  TRY_ASSIGN(catalog_, Catalog::open(*env_.fs, *env_.store, catalog_options, *env_.log));
  if (options_.claim_node) TRY(catalog_->claim(env_.random->hex128()));
  TRY(open_segments());
  {
    const MutexLock lock(commit_mu_);
    TRY(follow_acts());
  }
  if (const Result<uint64_t> removed = catalog_->remove_orphans({}); !removed.ok()) {
    env_.log->warn("orphaned segments could not be removed", {{"error", removed.error().message}});
  }
  TRY(gather_parted_logs());
  TRY(fetch_wal());
  TRY(replay_logs());
  uint64_t rows = 0;
  uint64_t replayed = 0;
  {
    const MutexLock lock(mu_);
    replayed = unpublished_.size();
    for (const UnpublishedPtr& of : unpublished_) rows += of->generation->state().rows;
    env_.log->info("store open", {{"segments", published_->size()},
                                  {"catalog_version", catalog_version_},
                                  {"generations_replayed", replayed},
                                  {"rows_replayed", rows},
                                  {"ms", (env_.clock->monotonic_ns() - start_ns) / 1'000'000}});
  }
  kick();
  return {};
}

/// What the manifest does not have.  A log that stands where another machine went on as this node comes after all
/// others, and so do those that followed it: what they say of their order holds among themselves alone.
Result<void> EngineImpl::replay_logs() {
  TRY_ASSIGN(const std::vector<LocalWalLog> logs, list_wal_logs(*env_.fs, wal_dir_));
  const std::vector<SegmentMeta> segments = logs.empty() ? std::vector<SegmentMeta>() : catalog_->segments();
  std::vector<LocalWalLog> in_place;
  std::vector<LocalWalLog> displaced;
  for (const LocalWalLog& log : logs) {
    {
      const MutexLock lock(mu_);
      next_generation_ = std::max(next_generation_, log.number + 1);
    }
    if (catalog_->log_done({log.number, log.log.mark})) {
      remove_leftovers(log, /*keep_wal=*/false);
      continue;
    }
    bool is_one = !displaced.empty();
    if (!is_one) {
      TRY_ASSIGN(is_one, is_displaced(log, segments));
    }
    (is_one ? displaced : in_place).push_back(log);
  }
  for (const LocalWalLog& log : in_place) TRY(replay(log, log.number == in_place.back().number, /*displaced=*/false));
  TRY_ASSIGN(displaced, renumber(std::move(displaced)));
  // From now on the names of logs tell what the view did.
  catalog_->store_view();
  for (const LocalWalLog& log : displaced) TRY(replay(log, /*newest=*/true, /*displaced=*/true));
  return {};
}

/// What was acknowledged by the store and is not on this disk.
Result<void> EngineImpl::fetch_wal() {
  WalFetchOptions fetch;
  fetch.node = options_.node;
  fetch.wal_dir = wal_dir_;
  fetch.parallel_reads = options_.parallel_reads;
  if (options_.ack_in_store) fetch.look_beyond = std::max<uint64_t>(catalog_->last_generation_done(), 1);
  {
    const MutexLock lock(mu_);
    fetch.free_number = next_generation_;
  }
  WalDone done;
  done.log = [this](const WalLog& log) { return catalog_->log_done(log); };
  done.generation = [this](uint64_t generation) { return catalog_->generation_done(generation); };
  TRY_ASSIGN(WalFetchReport report, fetch_wal_objects(*env_.store, *env_.fs, fetch, done));
  stored_logs_ = std::move(report.logs);
  metrics_.wal_objects_damaged.add(report.damaged);
  for (const std::string& problem : report.problems) {
    env_.log->error("damage in the write-ahead log of the store", {{"problem", problem}});
  }
  if (report.objects == 0) return {};
  env_.log->info("write-ahead log fetched from the store", {{"objects", report.objects}, {"bytes", report.bytes}});
  return {};
}

Result<void> EngineImpl::prepare_directories() {
  TRY(env_.fs->create_directories(wal_dir_));
  TRY(env_.fs->create_directories(spill_dir_));
  TRY(env_.fs->sync_directory(options_.data_dir));
  TRY(env_.fs->sync_directory(parent_directory(options_.data_dir)));
  TRY_ASSIGN(const std::vector<std::string> stale, env_.fs->list(spill_dir_));
  for (const std::string& name : stale) {
    // One that stays is written over.
    if (!name.ends_with('/')) static_cast<void>(env_.fs->remove(spill_dir_ + "/" + name).ok());
  }
  return {};
}

/// One read for each segment, many at a time: a bucket takes its time to answer.  A segment that is damaged or gone is
/// left out and reported; the rest is served.
Result<void> EngineImpl::open_segments() {
  uint64_t sequence = 0;
  uint64_t generation = catalog_->last_generation_done();
  const std::vector<SegmentMeta> metas = catalog_->segments();
  PublishedSegments opened(metas.size());
  TRY(run_parallel(metas.size(), options_.parallel_reads, [&](size_t i) -> Result<void> {
    const SegmentMeta& meta = metas[i];
    Result<std::shared_ptr<const Segment>> segment = Segment::open(*env_.store, meta, env_.terms, &registry_);
    if (segment.ok()) {
      opened[i] = std::make_shared<PublishedSegment>(std::move(segment).value(), *env_.memory);
      return {};
    }
    const ErrorKind kind = segment.error().kind;
    if (kind == ErrorKind::io || kind == ErrorKind::unavailable) return std::move(segment).error();
    metrics_.segments_corrupt.add();
    env_.log->error("a segment cannot be read and is left out of every answer",
                    {{"segment", meta.key}, {"rows", meta.rows}, {"error", segment.error().message}});
    return {};
  }));
  auto published = std::make_shared<PublishedSegments>();
  for (size_t i = 0; i < metas.size(); ++i) {
    sequence = std::max(sequence, metas[i].arrival_max);
    if (metas[i].node == options_.node) generation = std::max(generation, metas[i].generation);
    segments_unreadable_ = segments_unreadable_ || opened[i] == nullptr;
    if (opened[i] != nullptr) published->push_back(std::move(opened[i]));
  }
  const MutexLock lock(mu_);
  published_ = std::move(published);
  catalog_version_ = catalog_->version();
  follow_day_ids();
  next_sequence_ = std::max(next_sequence_, sequence + 1);
  next_generation_ = std::max(next_generation_, generation + 1);
  return {};
}

/// Makes a closed generation of what the WAL holds, sealing on the way so that memory stays bounded.
Result<void> EngineImpl::replay(const LocalWalLog& log, bool newest, bool displaced) {
  const uint64_t number = log.number;
  const int64_t start_ns = env_.clock->monotonic_ns();
  auto of = std::make_shared<Unpublished>();
  of->generation = make_generation(number);
  of->log = log.log;
  of->displaced = displaced;
  std::vector<WalPolicy> policies;
  const auto visit = [&](const WalRecord& record) -> Result<void> {
    TRY(replay_record(record, &policies, of.get()));
    return seal_inline(of);
  };
  Result<WalReplayReport> report = replay_wal(*env_.fs, wal_dir_, number, newest, visit, log.log.generation);
  if (!report.ok()) return std::move(report).error();
  for (const std::string& problem : report->problems) {
    env_.log->error("damage in the write-ahead log", {{"generation", number}, {"problem", problem}});
  }
  TRY(mark_begun());
  of->generation->close();
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(*env_.fs, wal_dir_, number));
  for (const std::string& path : files) {
    TRY_ASSIGN(const std::unique_ptr<File> file, env_.fs->open(path, OpenMode::read));
    TRY_ASSIGN(const uint64_t bytes, file->size());
    of->replayed_bytes += bytes;
  }
  const uint64_t rows = of->generation->state().rows;
  metrics_.wal_records_replayed.add(report->records);
  metrics_.wal_records_damaged.add(report->damaged_records);
  env_.log->info("generation replayed", {{"generation", number},
                                         {"records", report->records},
                                         {"rows", rows},
                                         {"torn_bytes", report->torn_bytes},
                                         {"damaged_records", report->damaged_records},
                                         {"ms", (env_.clock->monotonic_ns() - start_ns) / 1'000'000}});
  if (rows == 0) {
    remove_leftovers(*of);
    return {};
  }
  const MutexLock lock(mu_);
  unpublished_.push_back(std::move(of));
  return {};
}

/// The rows of a push, as they were accepted.
Result<void> EngineImpl::decode_rows(const WalRecord& record, const std::vector<WalPolicy>& policies,
                                     RowBatch* batch) const {
  batch->tenant = record.tenant;
  if (record.type == WalRecordType::push_batch) return decode_wal_batch(record.payload, record.tenant, batch);
  const auto policy = std::find_if(policies.rbegin(), policies.rend(),
                                   [&](const WalPolicy& known) { return known.id == record.policy_id; });
  if (policy == policies.rend() || env_.body_decoder == nullptr) {
    return Error::corrupt("the policy it was accepted by is missing");
  }
  return env_.body_decoder->decode(record, policy->encoded, batch);
}

Result<void> EngineImpl::replay_record(const WalRecord& record, std::vector<WalPolicy>* policies, Unpublished* into) {
  if (record.type == WalRecordType::policy) {
    policies->push_back({record.policy_id, record.payload});
    return {};
  }
  RowBatch batch;
  const Result<void> decoded = decode_rows(record, *policies, &batch);
  if (decoded.ok()) TRY(leave_out_deleted(record, into->displaced, &batch));
  const MutexLock lock(mu_);
  const uint64_t sequence = into->displaced ? next_sequence_ : record.sequence;
  next_sequence_ = std::max(next_sequence_, sequence + std::max<uint64_t>(1, batch.rows.size()));
  if (!decoded.ok()) {
    into->keep_wal = true;
    metrics_.wal_records_damaged.add();
    env_.log->error("a record of the write-ahead log cannot be read again; its file will be kept",
                    {{"generation", into->generation->number()},
                     {"sequence", record.sequence},
                     {"error", decoded.error().message}});
    return {};
  }
  for (StreamPtr& stream : batch.streams) stream = registry_.intern(stream);
  into->generation->insert(batch, sequence);
  return {};
}

Result<void> EngineImpl::seal_inline(const UnpublishedPtr& of) {
  const uint64_t limit = env_.memory->limit(MemoryShare::head);
  if (env_.memory->used(MemoryShare::head) >= limit / 2) of->generation->seal_down_to(limit / 4);
  while (auto job = of->generation->take_seal_job()) {
    {
      const MutexLock lock(mu_);
      ++seals_running_;
    }
    const Result<void> done = run(Work{of, std::move(job)});
    if (done.ok()) continue;
    // A full disk does not keep the store from starting as long as the rows have room.
    if (env_.memory->used(MemoryShare::head) >= limit) return done.error();
    break;
  }
  return {};
}

/// Keeps the files under names that are never replayed.
Result<void> EngineImpl::set_wal_aside(uint64_t generation) {
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(*env_.fs, wal_dir_, generation));
  for (const std::string& path : files) TRY(env_.fs->rename(path, path + ".unread"));
  return env_.fs->sync_directory(wal_dir_);
}

}  // namespace cordwood
