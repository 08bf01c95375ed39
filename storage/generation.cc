// SPDX-License-Identifier: Apache-2.0
#include "storage/generation.h"

#include <algorithm>
#include <limits>

#include "storage/model/time_range.h"
#include "storage/row_listener.h"
#include "storage/stream_registry.h"

namespace cordwood {

namespace {

constexpr uint32_t kUnresolved = std::numeric_limits<uint32_t>::max();
/// When a generation ends, blocks smaller than this part of a full one share a block.
constexpr uint64_t kSmallFraction = 32;

}  // namespace

Generation::Generation(uint64_t number, GenerationLimits limits, EngineEnvironment environment, std::string spill_path)
    : number_(number),
      limits_(limits),
      environment_(environment),
      seed_(reinterpret_cast<uintptr_t>(this)),
      spill_(*environment.fs, std::move(spill_path)) {}

void Generation::begin(Pending* pending) {
  const MutexLock lock(mu_);
  CHECK(!closed_, "an append to generation {}, which is closed", number_);
  pending_.push_back(pending);
}

void Generation::finish(Pending* pending, bool durable) {
  const MutexLock lock(mu_);
  pending->state = durable ? Pending::State::durable : Pending::State::failed;
  bool inserted = false;
  while (!pending_.empty() && pending_.front()->state != Pending::State::in_wal) {
    Pending* next = pending_.front();
    pending_.pop_front();
    if (next->state == Pending::State::failed) continue;
    insert_pending(next);
    inserted = inserted || next != pending;
  }
  if (inserted) inserted_.notify_all();
  if (!durable) {
    std::erase(pending_, pending);
    return;
  }
  while (pending->state != Pending::State::inserted) inserted_.wait(mu_);
}

Engine::Appended Generation::insert(const RowBatch& batch, uint64_t sequence) {
  const MutexLock lock(mu_);
  return insert_locked(batch, sequence, nullptr);
}

void Generation::insert_pending(Pending* pending) {
  RowListener* listener = environment_.rows;
  const bool wanted = listener != nullptr && listener->wants(pending->batch->tenant);
  fresh_.clear();
  pending->result = insert_locked(*pending->batch, pending->sequence, wanted ? &fresh_ : nullptr);
  pending->state = Pending::State::inserted;
  if (!fresh_.empty()) listener->on_rows(*pending->batch, pending->sequence, fresh_);
}

Engine::Appended Generation::insert_locked(const RowBatch& batch, uint64_t sequence, std::vector<uint32_t>* fresh) {
  Engine::Appended result;
  batch_streams_.assign(batch.streams.size(), kUnresolved);
  uint64_t arrival = sequence;
  for (const BatchRow& row : batch.rows) {
    uint32_t& number = batch_streams_[row.stream];
    if (number == kUnresolved) number = entry_of(batch.streams[row.stream]);
    StreamEntry& entry = streams_[number];
    DayPlace& place = place_of(entry, row.time_ns);
    Family& family = *place.family;
    if (place.block_number != family.blocks_begun || family.block == nullptr) register_stream(entry, place);
    HeadBlock& block = *family.block;
    const uint64_t raw_before = block.raw_bytes();
    const uint64_t memory_before = block.memory_bytes();
    if (block.append(head_row_of(batch, row, place.stream_number), arrival++)) {
      ++result.rows;
      if (fresh != nullptr) fresh->push_back(static_cast<uint32_t>(&row - batch.rows.data()));
      raw_bytes_ += block.raw_bytes() - raw_before;
    } else {
      ++result.duplicates;
    }
    open_memory_bytes_ += block.memory_bytes() - memory_before;
    if (block.raw_bytes() >= limits_.block_raw_bytes || block.row_count() >= limits_.block_rows) seal_alone(family);
  }
  rows_ += result.rows;
  if (!first_row_ns_ && result.rows > 0) first_row_ns_ = environment_.clock->monotonic_ns();
  return result;
}

uint32_t Generation::entry_of(const StreamPtr& stream) {
  const uint64_t hash = stream_hash(*stream, seed_);
  const auto [begin, end] = stream_numbers_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const StreamPtr& known = streams_[it->second].stream;
    if (known == stream || known->same_as(*stream)) return it->second;
  }
  const auto number = static_cast<uint32_t>(streams_.size());
  streams_.push_back({stream, {}, 0});
  stream_numbers_.emplace(hash, number);
  return number;
}

Generation::DayPlace& Generation::place_of(StreamEntry& entry, int64_t time_ns) {
  const int32_t day = day_of(time_ns);
  auto& days = entry.days;
  if (entry.last_day < days.size() && days[entry.last_day].day == day) return days[entry.last_day];
  auto it = std::lower_bound(days.begin(), days.end(), day, [](const DayPlace& p, int32_t d) { return p.day < d; });
  if (it == days.end() || it->day != day) {
    if (environment_.streams != nullptr) environment_.streams->on_stream_day(entry.stream, day);
    Family& family = families_[FamilyKey(entry.stream->family, day, entry.stream->tenant)];
    family.tenant = entry.stream->tenant;
    family.day = day;
    it = days.insert(it, {day, &family, 0, 0});
  }
  entry.last_day = static_cast<size_t>(it - days.begin());
  return *it;
}

void Generation::register_stream(const StreamEntry& entry, DayPlace& place) {
  Family& family = *place.family;
  if (family.block == nullptr) {
    family.block = std::make_shared<HeadBlock>(family.tenant, *environment_.memory, limits_.head_keeps_from_rows);
    ++family.blocks_begun;
  }
  place.stream_number = family.block->add_stream(entry.stream);
  place.block_number = family.blocks_begun;
}

HeadPrefix Generation::prefix_of(const std::shared_ptr<HeadBlock>& block) const {
  return {block, block->row_count(), block->stream_count(), block->raw_bytes(), block->arrival_max()};
}

void Generation::detach(Family& family, SealJob* job) {
  open_memory_bytes_ -= family.block->memory_bytes();
  family.sealed_arrival_max = family.block->arrival_max();
  job->blocks.push_back(prefix_of(family.block));
  family.block = nullptr;
}

void Generation::seal_alone(Family& family) {
  auto job = std::make_shared<SealJob>();
  detach(family, job.get());
  jobs_.push_back(std::move(job));
}

void Generation::seal_down_to(uint64_t keep_bytes) {
  const MutexLock lock(mu_);
  if (open_memory_bytes_ <= keep_bytes) return;
  std::vector<Family*> open;
  for (auto& [key, family] : families_) {
    if (family.block != nullptr) open.push_back(&family);
  }
  std::sort(open.begin(), open.end(),
            [](const Family* a, const Family* b) { return a->block->memory_bytes() > b->block->memory_bytes(); });
  for (Family* family : open) {
    if (open_memory_bytes_ <= keep_bytes) break;
    seal_alone(*family);
  }
}

/// Small blocks of one tenant and day share one.  A block is told from the others of its streams by its arrival
/// interval, so a family joins only if all it sealed before arrived before the first row of those it joins.
void Generation::seal_rest() {
  rest_sealed_ = true;
  std::map<std::pair<TenantId, int32_t>, std::vector<Family*>> small;
  for (auto& [key, family] : families_) {
    if (family.block == nullptr) continue;
    if (family.block->raw_bytes() * kSmallFraction >= limits_.block_raw_bytes) {
      seal_alone(family);
    } else {
      small[{family.tenant, family.day}].push_back(&family);
    }
  }
  for (auto& [tenant_day, families] : small) {
    std::shared_ptr<SealJob> job;
    uint64_t arrival_min = 0;
    uint64_t sealed_max = 0;
    for (Family* family : families) {
      const uint64_t joined_min =
          job == nullptr ? family->block->arrival_min() : std::min(arrival_min, family->block->arrival_min());
      const uint64_t joined_max =
          job == nullptr ? family->sealed_arrival_max : std::max(sealed_max, family->sealed_arrival_max);
      const bool fits = job != nullptr && joined_max < joined_min && job->raw_bytes() < limits_.block_raw_bytes;
      if (!fits) {
        job = std::make_shared<SealJob>();
        jobs_.push_back(job);
      }
      arrival_min = fits ? joined_min : family->block->arrival_min();
      sealed_max = fits ? joined_max : family->sealed_arrival_max;
      detach(*family, job.get());
    }
  }
}

void Generation::close() {
  const MutexLock lock(mu_);
  closed_ = true;
}

std::shared_ptr<SealJob> Generation::take_seal_job() {
  const MutexLock lock(mu_);
  if (closed_ && pending_.empty() && !rest_sealed_) seal_rest();
  for (const auto& job : jobs_) {
    if (job->running) continue;
    job->running = true;
    return job;
  }
  return nullptr;
}

void Generation::sealed(const std::shared_ptr<SealJob>& job, SealedJob block) {
  const MutexLock lock(mu_);
  std::erase(jobs_, job);
  sealed_.push_back(std::move(block));
}

void Generation::seal_failed(const std::shared_ptr<SealJob>& job) {
  const MutexLock lock(mu_);
  job->running = false;
}

Generation::State Generation::state() const {
  const MutexLock lock(mu_);
  State state;
  state.closed = closed_;
  state.publishable = drained() && jobs_.empty();
  state.seal_waiting = (closed_ && pending_.empty() && !rest_sealed_ && rows_ > 0) ||
                       std::any_of(jobs_.begin(), jobs_.end(), [](const auto& job) { return !job->running; });
  state.pending = pending_.size();
  state.rows = rows_;
  state.raw_bytes = raw_bytes_;
  state.open_memory_bytes = open_memory_bytes_;
  for (const auto& job : jobs_) state.sealing_memory_bytes += job->memory_bytes();
  state.first_row_ns = first_row_ns_;
  return state;
}

std::vector<SpilledBlock> Generation::spilled_blocks() const {
  const MutexLock lock(mu_);
  CHECK(drained() && jobs_.empty(), "generation {} is not sealed yet", number_);
  std::vector<SpilledBlock> blocks;
  blocks.reserve(sealed_.size());
  for (const SealedJob& block : sealed_) blocks.push_back(block.spilled);
  std::sort(blocks.begin(), blocks.end(), [](const SpilledBlock& a, const SpilledBlock& b) {
    const auto key = [](const SpilledBlock& block) {
      return std::tuple(std::string_view(block.info.tenant), day_of(block.info.time_min_ns),
                        block.info.streams.front().stream->family, block.info.arrival_min);
    };
    return key(a) < key(b);
  });
  return blocks;
}

void Generation::read_into(std::vector<BlockSourcePtr>* sealed, std::vector<HeadPrefix>* open) const {
  const MutexLock lock(mu_);
  for (const SealedJob& block : sealed_) sealed->push_back(block.source);
  for (const auto& job : jobs_) open->insert(open->end(), job->blocks.begin(), job->blocks.end());
  for (const auto& [key, family] : families_) {
    if (family.block != nullptr && family.block->row_count() > 0) open->push_back(prefix_of(family.block));
  }
}

}  // namespace cordwood
