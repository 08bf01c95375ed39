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
      steps_(metrics.counter("cordwood_query_kept_steps_total",
                             "Steps of metric queries that were taken from an answer before.")),
      entries_(max_bytes, memory) {}

std::shared_ptr<const KeptVector> KeptSteps::find(const std::string& key) {
  const MutexLock lock(mu_);
  return entries_.find(key);
}

void KeptSteps::keep(const std::string& key, std::shared_ptr<const KeptVector> kept) {
  const uint64_t bytes = kept->memory_bytes();
  const MutexLock lock(mu_);
  if (bytes > max_bytes_ / kShare) return entries_.drop(key);
  entries_.put(key, std::move(kept), bytes);
}

}  // namespace cordwood::query
