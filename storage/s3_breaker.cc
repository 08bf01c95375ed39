// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_breaker.h"

namespace cordwood {

bool S3Breaker::may_ask(int64_t monotonic_ns) {
  const MutexLock lock(mu_);
  if (in_a_row_ < failures_) return true;
  if (monotonic_ns < open_until_ns_ || probing_) return false;
  probing_ = true;
  return true;
}

void S3Breaker::succeeded() {
  const MutexLock lock(mu_);
  in_a_row_ = 0;
  probing_ = false;
}

void S3Breaker::failed(int64_t monotonic_ns) {
  const MutexLock lock(mu_);
  probing_ = false;
  if (in_a_row_ < failures_) ++in_a_row_;
  if (in_a_row_ == failures_) open_until_ns_ = monotonic_ns + rest_ns_;
}

void S3Breaker::given_up() {
  const MutexLock lock(mu_);
  probing_ = false;
}

bool S3Breaker::is_open() const {
  const MutexLock lock(mu_);
  return in_a_row_ >= failures_;
}

}  // namespace cordwood
