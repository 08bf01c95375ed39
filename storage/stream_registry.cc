// SPDX-License-Identifier: Apache-2.0
#include "storage/stream_registry.h"

namespace cordwood {

uint64_t stream_hash(const Stream& stream, uint64_t seed) {
  return xxh3_64(stream.tenant, seed ^ stream.id.low) ^ stream.id.high;
}

StreamPtr StreamRegistry::intern(StreamPtr stream) {
  const uint64_t hash = stream_hash(*stream, seed_);
  const MutexLock lock(mu_);
  const auto [begin, end] = streams_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (StreamPtr known = it->second.lock(); known != nullptr && known->same_as(*stream)) return known;
  }
  if (streams_.size() >= sweep_at_) forget_unused();
  streams_.emplace(hash, stream);
  return stream;
}

size_t StreamRegistry::size() const {
  const MutexLock lock(mu_);
  return streams_.size();
}

void StreamRegistry::forget_unused() {
  std::erase_if(streams_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<size_t>(1024, streams_.size() * 2);
}

}  // namespace cordwood
