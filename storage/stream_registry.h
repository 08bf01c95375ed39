// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>

#include "storage/base/mutex.h"
#include "storage/model/stream.h"

namespace cordwood {

/// One object per stream that anybody holds, so that streams can be told apart by address within a process.
/// Streams nobody holds any more are forgotten.  Thread-safe.
class StreamRegistry {
 public:
  StreamRegistry() : seed_(reinterpret_cast<uintptr_t>(this)) {}
  /// The registered stream equal to `stream`, or `stream` itself, registered now.
  StreamPtr intern(StreamPtr stream);
  size_t size() const;

 private:
  void forget_unused() REQUIRES(mu_);

  const uint64_t seed_;  ///< keys are user input: buckets must not be foreseeable
  mutable Mutex mu_;
  std::unordered_multimap<uint64_t, std::weak_ptr<const Stream>> streams_ GUARDED_BY(mu_);
  size_t sweep_at_ GUARDED_BY(mu_) = 1024;
};

/// A seeded hash of tenant and id.
uint64_t stream_hash(const Stream& stream, uint64_t seed);

}  // namespace cordwood
