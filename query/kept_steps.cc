// SPDX-License-Identifier: Apache-2.0
#include "query/kept_steps.h"

namespace cordwood::query {

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
    : KeptResults(max_bytes, memory,
                  metrics.counter("cordwood_query_kept_steps_total",
                                  "Steps of metric queries that were taken from an answer before.")) {}

}  // namespace cordwood::query
