// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "storage/base/mutex.h"
#include "storage/model/stream.h"

namespace cordwood::ingest {

/// Tokens that flow in at a rate and pile up to a burst.  Starts full.
class TokenBucket {
 public:
  /// Takes `amount` or nothing.  `now_ns` is monotonic; rate and burst may change from call to call.
  bool take(double rate_per_s, double burst, double amount, int64_t now_ns);

 private:
  double tokens_ = -1;  ///< < 0: not asked yet
  int64_t updated_ns_ = 0;
};

/// What a tenant has used of its rates and stream count.  Thread-safe.
class TenantLimiter {
 public:
  bool take_bytes(double rate_per_s, double burst, uint64_t bytes, int64_t now_ns);
  bool take_stream_bytes(const StreamId& stream, double rate_per_s, double burst, uint64_t bytes, int64_t now_ns);
  /// Whether the stream is active or may become so; a stream without entries for half an hour is active no longer.
  bool admit_stream(const StreamId& stream, uint64_t max_streams, int64_t now_ns);
  /// Time of the stream's newest entry so far, or nothing before the first.
  std::optional<int64_t> newest_ns(const StreamId& stream) const;
  void raise_newest(const StreamId& stream, int64_t time_ns);

 private:
  static constexpr size_t kMaxBuckets = 100'000;
  mutable Mutex mu_;
  TokenBucket bytes_ GUARDED_BY(mu_);
  std::unordered_map<StreamId, TokenBucket, StreamIdHash> stream_bytes_ GUARDED_BY(mu_);
  std::unordered_map<StreamId, int64_t, StreamIdHash> active_ GUARDED_BY(mu_);  ///< last entry, monotonic
  std::unordered_map<StreamId, int64_t, StreamIdHash> newest_ns_ GUARDED_BY(mu_);
  int64_t swept_ns_ GUARDED_BY(mu_) = 0;
};

/// The limiters of all tenants that have limits.  Thread-safe.
class TenantLimiters {
 public:
  std::shared_ptr<TenantLimiter> of(const TenantId& tenant);

 private:
  static constexpr size_t kMaxTenants = 50'000;  ///< beyond it all start anew
  Mutex mu_;
  std::unordered_map<TenantId, std::shared_ptr<TenantLimiter>> tenants_ GUARDED_BY(mu_);
};

}  // namespace cordwood::ingest
