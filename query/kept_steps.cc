// SPDX-License-Identifier: Apache-2.0
#include "query/kept_steps.h"

namespace cordwood::query {

namespace {

/// No result takes more than this share of the room.
constexpr uint64_t kShare = 4;

}  // namespace

uint64_t KeptVector::memory_bytes() const {
  uint64_t bytes = sizeof(KeptVector);
  for (const StepSeries& series : vector) {
    bytes += sizeof(StepSeries) + series.points.capacity() * sizeof(StepPoint);
    bytes += series.labels.capacity() * sizeof(series.labels[0]);
    for (const auto& [name, value] : series.labels) bytes += name.size() + value.size();
  }
  return bytes;
}

KeptSteps::KeptSteps(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics)
    : max_bytes_(max_bytes),
      memory_(memory),
      steps_(metrics.counter("cordwood_query_kept_steps_total",
                             "Steps of metric queries that were taken from an answer before.")) {}

std::shared_ptr<const KeptVector> KeptSteps::find(const std::string& key) {
  const MutexLock lock(mu_);
  const auto known = by_key_.find(key);
  if (known == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, known->second);
  return known->second->kept;
}

void KeptSteps::keep(const std::string& key, std::shared_ptr<const KeptVector> kept) {
  const uint64_t bytes = kept->memory_bytes() + 2 * key.size();
  const MutexLock lock(mu_);
  if (const auto known = by_key_.find(key); known != by_key_.end()) drop(known->second);
  if (bytes > max_bytes_ / kShare || !make_room(bytes)) return;
  auto reservation = memory_.reserve(MemoryShare::cache, bytes);
  if (!reservation.ok()) return;  // others need the share
  entries_.push_front({key, std::move(kept), *std::move(reservation)});
  by_key_[entries_.front().key] = entries_.begin();
  bytes_ += bytes;
}

bool KeptSteps::make_room(uint64_t bytes) {
  while (!entries_.empty() && bytes_ + bytes > max_bytes_) drop(std::prev(entries_.end()));
  return bytes_ + bytes <= max_bytes_;
}

void KeptSteps::drop(Entries::iterator entry) {
  bytes_ -= entry->bytes.bytes();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace cordwood::query
