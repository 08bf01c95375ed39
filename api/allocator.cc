// SPDX-License-Identifier: Apache-2.0
#include "api/allocator.h"

#include <malloc.h>

#include <algorithm>

#include "api/process_metrics.h"

namespace cordwood::api {

namespace {

/// Resident bytes beyond the least since the last time that are given back at once.
constexpr uint64_t kMuchBytes = 32u << 20;
/// The same for what has waited so long.
constexpr uint64_t kLittleBytes = 4u << 20;
constexpr uint32_t kWhileSeconds = 30;

}  // namespace

/// Threads that share an arena wait for its lock: a read then waits for a thread that seals or merges, and has given
/// way to everything else while it holds it.  With an arena each, what is free must go back to the system early, or
/// twice as much stays (bench/README.md, "Under load").
void set_up_allocator() {
#ifdef __GLIBC__
  constexpr int kMoreThanThreads = 256;
  (void)::mallopt(M_ARENA_MAX, kMoreThanThreads);
  (void)::mallopt(M_TRIM_THRESHOLD, 1 << 20);
  (void)::mallopt(M_MMAP_THRESHOLD, 4 << 20);
#endif
}

bool TrimPolicy::due(uint64_t resident_bytes) {
  ++seconds_;
  least_bytes_ = std::min(least_bytes_, resident_bytes);
  const uint64_t grown_bytes = resident_bytes - least_bytes_;
  return grown_bytes >= kMuchBytes || (seconds_ >= kWhileSeconds && grown_bytes >= kLittleBytes);
}

void TrimPolicy::trimmed(uint64_t resident_bytes) {
  least_bytes_ = resident_bytes;
  seconds_ = 0;
}

void give_memory_back(TrimPolicy* policy) {
#ifdef __GLIBC__
  if (!policy->due(resident_bytes())) return;
  (void)::malloc_trim(0);
  policy->trimmed(resident_bytes());
#else
  (void)policy;
#endif
}

}  // namespace cordwood::api
