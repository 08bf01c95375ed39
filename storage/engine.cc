// SPDX-License-Identifier: Apache-2.0
#include "storage/engine.h"

#include <algorithm>
#include <chrono>

#include "storage/engine_impl.h"

namespace cordwood {

namespace {

constexpr uint32_t kMaxRowsSealed = 1u << 21;

uint64_t raw_bytes_of(const RowBatch& batch) {
  uint64_t bytes = 0;
  for (const BatchRow& row : batch.rows) bytes += row.line.size();
  for (const MetadataPair& pair : batch.metadata) bytes += pair.name.size() + pair.value.size();
  return bytes;
}

int64_t oldest_time(const RowBatch& batch) {
  const auto oldest = std::min_element(batch.rows.begin(), batch.rows.end(),
                                       [](const BatchRow& a, const BatchRow& b) { return a.time_ns < b.time_ns; });
  return oldest->time_ns;
}

}  // namespace

EngineImpl::EngineImpl(EngineOptions options, EngineEnvironment environment)
    : options_(std::move(options)),
      env_(environment),
      wal_dir_(options_.data_dir + "/wal"),
      spill_dir_(options_.data_dir + "/spill"),
      metrics_(*environment.metrics),
      published_(std::make_shared<PublishedSegments>()),
      retention_(options_.retention.shortest_ns() > 0 ? std::make_shared<const RetentionRules>(options_.retention)
                                                      : nullptr) {
  EngineGauges::show(gauges_, *environment.metrics);
}

EngineImpl::~EngineImpl() {
  gate_->close();
}

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, EngineEnvironment environment) {
  CHECK(environment.random != nullptr, "an engine without random numbers");
  auto engine = std::make_unique<EngineImpl>(std::move(options), environment);
  TRY(engine->recover());
  return std::unique_ptr<Engine>(std::move(engine));
}

Result<Engine::Appended> EngineImpl::append(const RowBatch& batch, const WalBody* body) {
  if (batch.rows.empty()) return Appended{};
  const int64_t start_ns = env_.clock->monotonic_ns();
  Generation::Pending pending;
  pending.batch = &batch;
  GenerationPtr generation;
  uint64_t ticket = 0;
  Result<void> begun = taken_over_ ? Result<void>(Error::unavailable(taken_over())) : wait_for_room();
  if (begun.ok()) begun = begin_append(batch, body, &pending, &generation, &ticket);
  if (!begun.ok()) {
    metrics_.appends_refused.add();
    return std::move(begun).error();
  }
  const int64_t queued_ns = env_.clock->monotonic_ns();
  const Result<void> durable = generation->wal()->wait(ticket);
  metrics_.wal_wait_seconds.observe_ns(env_.clock->monotonic_ns() - queued_ns);
  generation->finish(&pending, durable.ok());
  changes_.note(batch.tenant, oldest_time(batch));
  after_insert(generation);
  if (!durable.ok()) {
    metrics_.appends_refused.add();
    return Error::unavailable("the write-ahead log could not be written, try again: " + durable.error().message);
  }
  metrics_.rows_appended.add(pending.result.rows);
  metrics_.duplicates.add(pending.result.duplicates);
  metrics_.bytes_appended.add(raw_bytes_of(batch));
  metrics_.append_seconds.observe_ns(env_.clock->monotonic_ns() - start_ns);
  return pending.result;
}

/// Waits while the head has no room, sealing on this thread when nobody else does.
Result<void> EngineImpl::wait_for_room() {
  const auto has_room = [this] { return env_.memory->used(MemoryShare::head) < env_.memory->limit(MemoryShare::head); };
  if (has_room()) return {};
  const int64_t deadline_ns = env_.clock->monotonic_ns() + options_.append_wait_ns;
  relieve_memory();
  for (;;) {
    std::optional<Work> work;
    {
      const MutexLock lock(mu_);
      if (has_room()) return {};
      if (seals_running_ == 0) {
        work = pick(/*forced=*/false, next_generation_);
      } else if (env_.clock->monotonic_ns() < deadline_ns) {
        progress_.wait_for(mu_, std::chrono::milliseconds(50));
        continue;
      }
    }
    if (!work) break;
    if (!run(*work).ok()) break;
  }
  if (has_room()) return {};
  return Error::unavailable(fmt::format("the head is full ({} of {} bytes), try again",
                                        env_.memory->used(MemoryShare::head), env_.memory->limit(MemoryShare::head)));
}

/// Gives the batch its place in the order of arrival and in the WAL.
Result<void> EngineImpl::begin_append(const RowBatch& batch, const WalBody* body, Generation::Pending* pending,
                                      GenerationPtr* generation, uint64_t* ticket) {
  for (;;) {
    TRY_ASSIGN(*generation, writable_generation());
    const MutexLock lock(mu_);
    if (current_ != *generation) continue;  // closed in between
    pending->sequence = next_sequence_;
    next_sequence_ += batch.rows.size();
    WalWriter::Push push;
    push.tenant = batch.tenant;
    push.sequence = pending->sequence;
    push.receive_time_ns = env_.clock->now_ns();
    push.body = body;
    push.batch = body == nullptr ? &batch : nullptr;
    *ticket = (*generation)->wal()->enqueue(push);
    (*generation)->begin(pending);
    return {};
  }
}

Result<EngineImpl::GenerationPtr> EngineImpl::writable_generation() {
  TRY(wait_for_publication());
  const MutexLock create_lock(create_mu_);
  {
    const MutexLock lock(mu_);
    if (current_ != nullptr) return current_;
  }
  return create_generation();
}

/// Waits while too much of what is closed is not published yet; not once a publication has failed.
Result<void> EngineImpl::wait_for_publication() {
  const int64_t deadline_ns = env_.clock->monotonic_ns() + options_.append_wait_ns;
  const MutexLock lock(mu_);
  while (const auto why = too_much_pending()) {
    const bool others_work = seals_running_ > 0 || publishing_;
    const bool failing =
        std::any_of(unpublished_.begin(), unpublished_.end(), [](const auto& of) { return of->backoff_ns > 0; });
    if (!others_work || failing || env_.clock->monotonic_ns() >= deadline_ns) {
      writable_ = false;
      return Error::unavailable(*why + ", try again");
    }
    progress_.wait_for(mu_, std::chrono::milliseconds(50));
  }
  if (current_ != nullptr) writable_ = true;
  return {};
}

/// Why no rows can be taken until something is published, if so.
std::optional<std::string> EngineImpl::too_much_pending() const {
  const uint64_t generations = pending_generations();
  if (options_.local_pending_bytes > 0) {
    if (generations == 0 || pending_bytes() < options_.local_pending_bytes) return std::nullopt;
    return fmt::format("{} bytes wait on this disk to be published, as many as local_pending_bytes allows ({})",
                       pending_bytes(), options_.local_pending_bytes);
  }
  if (current_ != nullptr || generations <= options_.max_pending_generations) return std::nullopt;
  return fmt::format("{} generations wait to be published, more than max_pending_generations ({})", generations,
                     options_.max_pending_generations);
}

uint64_t EngineImpl::pending_bytes() const {
  uint64_t sum = 0;
  for (const UnpublishedPtr& of : unpublished_) {
    sum += of->replayed_bytes + of->generation->spill().bytes();
    if (of->generation->wal() != nullptr) sum += of->generation->wal()->bytes();
  }
  return sum;
}

/// Under create_mu_.
Result<EngineImpl::GenerationPtr> EngineImpl::create_generation() {
  uint64_t number = 0;
  {
    const MutexLock lock(mu_);
    number = next_generation_++;
  }
  const uint64_t mark = std::max<uint64_t>(env_.random->next(), 1);
  WalWriterOptions wal_options = options_.wal;
  wal_options.mark = mark;
  wal_options.node = options_.node;
  wal_options.store = options_.ack_in_store ? env_.store : nullptr;
  wal_options.store_timeout_ns = options_.ack_timeout_ns;
  wal_options.store_interval_ns = options_.ack_interval_ns;
  wal_options.clock = env_.clock;
  Result<std::unique_ptr<WalWriter>> wal = WalWriter::create(*env_.fs, wal_dir_, number, wal_options);
  const MutexLock lock(mu_);
  writable_ = wal.ok();
  if (!wal.ok()) {
    return Error::unavailable("a new write-ahead log could not be begun, try again: " + wal.error().message);
  }
  GenerationPtr generation = make_generation(number);
  generation->set_wal(std::move(wal).value());
  auto unpublished = std::make_shared<Unpublished>();
  unpublished->generation = generation;
  unpublished->log = {number, mark};
  unpublished_.push_back(std::move(unpublished));
  current_ = generation;
  current_begin_ = next_sequence_;
  return generation;
}

EngineImpl::GenerationPtr EngineImpl::make_generation(uint64_t number) const {
  return std::make_shared<Generation>(
      number,
      GenerationLimits{options_.block_raw_bytes, std::min(options_.block_rows, kMaxRowsSealed),
                       options_.head_keeps_from_rows},
      env_, spill_path(number));
}

std::string EngineImpl::spill_path(uint64_t generation) const {
  return fmt::format("{}/{:020}.blocks", spill_dir_, generation);
}

uint64_t EngineImpl::pending_generations() const {
  return unpublished_.size() - (current_ != nullptr ? 1 : 0);
}

void EngineImpl::close_current() {
  if (current_ == nullptr) return;
  current_->close();
  current_ = nullptr;
}

void EngineImpl::after_insert(const GenerationPtr& generation) {
  const Generation::State state = generation->state();
  const bool full = state.raw_bytes >= options_.generation_raw_bytes ||
                    generation->wal()->bytes() >= 2 * options_.generation_raw_bytes;
  bool work = state.seal_waiting || state.closed;
  if (full && !state.closed) {
    const MutexLock lock(mu_);
    if (current_ == generation) close_current();
    work = true;
  }
  if (state.closed && state.pending == 0) {
    const MutexLock lock(mu_);
    progress_.notify_all();
  }
  relieve_memory();
  if (work) kick();
}

/// Seals early once the head nears its share, the largest blocks first and only a few at a time, so that with many
/// families blocks still grow as large as the share allows.  What snapshots hold counts as used up.
void EngineImpl::relieve_memory() {
  const uint64_t limit = env_.memory->limit(MemoryShare::head);
  const uint64_t used = env_.memory->used(MemoryShare::head);
  if (used < limit / 2) return;
  GenerationPtr generation;
  uint64_t sealing = 0;
  {
    const MutexLock lock(mu_);
    for (const UnpublishedPtr& of : unpublished_) sealing += of->generation->state().sealing_memory_bytes;
    generation = current_;
  }
  if (generation == nullptr) return;
  const uint64_t open = generation->state().open_memory_bytes;
  const uint64_t held = used > open + sealing ? used - open - sealing : 0;
  const uint64_t target = limit / 8 * 5 > held ? limit / 8 * 5 - held : 0;
  if (open <= target) return;
  generation->seal_down_to(target > limit / 16 ? target - limit / 16 : 0);
  kick();
}

SnapshotPtr EngineImpl::snapshot() const {
  SnapshotParts parts;
  {
    const MutexLock lock(mu_);
    parts.published = published_;
    parts.catalog_version = catalog_version_;
    parts.veils = veils_;
    for (const UnpublishedPtr& of : unpublished_) of->generation->read_into(&parts.sealed, &parts.open);
  }
  return make_snapshot(std::move(parts));
}

Result<void> EngineImpl::flush() {
  uint64_t last = 0;
  {
    const MutexLock lock(mu_);
    if (current_ != nullptr) {
      const Generation::State state = current_->state();
      if (state.rows > 0 || state.pending > 0) close_current();
    }
    for (const UnpublishedPtr& of : unpublished_) {
      if (of->generation != current_) last = of->generation->number();
    }
  }
  for (;;) {
    std::optional<Work> work;
    {
      const MutexLock lock(mu_);
      if (unpublished_.empty() || unpublished_.front()->generation->number() > last) return {};
      work = pick(/*forced=*/true, last);
      if (!work) {
        progress_.wait(mu_);
        continue;
      }
    }
    TRY(run(*work));
  }
}

void EngineImpl::tick() {
  {
    const MutexLock lock(mu_);
    if (current_ != nullptr) {
      const Generation::State state = current_->state();
      const int64_t now_ns = env_.clock->monotonic_ns();
      if (state.first_row_ns && now_ns - *state.first_row_ns >= options_.generation_age_ns) close_current();
    }
  }
  age();
  relieve_memory();
  remove_retired();
  kick();
}

Engine::Status EngineImpl::status() const {
  Status status;
  status.head_bytes = env_.memory->used(MemoryShare::head);
  const MutexLock lock(mu_);
  for (const UnpublishedPtr& of : unpublished_) {
    status.head_rows += of->generation->state().rows;
    if (of->generation->wal() != nullptr) status.wal_bytes += of->generation->wal()->bytes();
  }
  status.taken_over = taken_over_;
  status.pending_generations = pending_generations();
  status.pending_bytes = pending_bytes();
  status.segments = published_->size();
  for (const auto& segment : *published_) status.segment_bytes += segment->segment->meta().size_bytes;
  status.writable = writable_ && (current_ == nullptr || !current_->wal()->failed());
  return status;
}

std::string EngineImpl::taken_over() const {
  if (!taken_over_) return "";
  return fmt::format(
      "another server writes as node {}: run one of them alone, and restart this one for what only its disk has",
      options_.node);
}

StreamPtr EngineImpl::stream(const TenantId& tenant, StreamKind kind, const Labels& labels) {
  return registry_.intern(Stream::make(tenant, kind, labels));
}

}  // namespace cordwood
