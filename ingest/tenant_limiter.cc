// SPDX-License-Identifier: Apache-2.0
#include "ingest/tenant_limiter.h"

#include <algorithm>

#include "storage/model/time_range.h"

namespace cordwood::ingest {

namespace {
constexpr int64_t kStreamIdleNs = 1800 * kNsPerSecond;
constexpr int64_t kSweepEveryNs = 60 * kNsPerSecond;
}  // namespace

bool TokenBucket::take(double rate_per_s, double burst, double amount, int64_t now_ns) {
  if (tokens_ < 0) {
    tokens_ = burst;
  } else {
    const double elapsed_s = static_cast<double>(std::max<int64_t>(now_ns - updated_ns_, 0)) / 1e9;
    tokens_ = std::min(burst, tokens_ + elapsed_s * rate_per_s);
  }
  updated_ns_ = now_ns;
  if (amount > tokens_) return false;
  tokens_ -= amount;
  return true;
}

bool TenantLimiter::take_bytes(double rate_per_s, double burst, uint64_t bytes, int64_t now_ns) {
  MutexLock lock(mu_);
  return bytes_.take(rate_per_s, burst, static_cast<double>(bytes), now_ns);
}

bool TenantLimiter::take_stream_bytes(const StreamId& stream, double rate_per_s, double burst, uint64_t bytes,
                                      int64_t now_ns) {
  MutexLock lock(mu_);
  if (stream_bytes_.size() >= kMaxBuckets) stream_bytes_.clear();
  return stream_bytes_[stream].take(rate_per_s, burst, static_cast<double>(bytes), now_ns);
}

bool TenantLimiter::admit_stream(const StreamId& stream, uint64_t max_streams, int64_t now_ns) {
  MutexLock lock(mu_);
  if (const auto it = active_.find(stream); it != active_.end()) {
    it->second = now_ns;
    return true;
  }
  if (active_.size() >= max_streams && now_ns - swept_ns_ >= kSweepEveryNs) {
    std::erase_if(active_, [&](const auto& item) { return now_ns - item.second > kStreamIdleNs; });
    swept_ns_ = now_ns;
  }
  if (active_.size() >= max_streams) return false;
  active_.emplace(stream, now_ns);
  return true;
}

std::optional<int64_t> TenantLimiter::newest_ns(const StreamId& stream) const {
  MutexLock lock(mu_);
  const auto it = newest_ns_.find(stream);
  return it == newest_ns_.end() ? std::nullopt : std::optional(it->second);
}

void TenantLimiter::raise_newest(const StreamId& stream, int64_t time_ns) {
  MutexLock lock(mu_);
  if (newest_ns_.size() >= kMaxBuckets) newest_ns_.clear();
  const auto [it, is_new] = newest_ns_.emplace(stream, time_ns);
  if (!is_new) it->second = std::max(it->second, time_ns);
}

std::shared_ptr<TenantLimiter> TenantLimiters::of(const TenantId& tenant) {
  MutexLock lock(mu_);
  if (tenants_.size() >= kMaxTenants) tenants_.clear();
  auto& limiter = tenants_[tenant];
  if (limiter == nullptr) limiter = std::make_shared<TenantLimiter>();
  return limiter;
}

}  // namespace cordwood::ingest
