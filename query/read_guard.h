// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "query/query_engine.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// Tells a read when to stop: its client left or its time is up.  Made when the read starts; cheap enough to be asked
/// for every batch of rows.
class ReadGuard {
 public:
  ReadGuard(const ReadContext& context, Clock& clock);
  /// cancelled or timeout.
  Result<void> check() const;

 private:
  const std::atomic<bool>* cancelled_;
  Clock* clock_;
  int64_t deadline_monotonic_ns_;
};

/// The HTTP answer for an error of a read: invalid 400, not_found 404, cancelled 499, timeout 504, unavailable and
/// exhausted 503, the rest 500; cancelled and timeout have Loki's fixed texts.
QueryError to_query_error(const Error& error);

}  // namespace cordwood::query
