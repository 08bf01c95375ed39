// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "query/query_engine.h"
#include "query/read_gate.h"
#include "storage/base/patience.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// How often row by row reads ask their guard.
inline constexpr uint64_t kRowsPerCheck = 1000;

/// When a read's time is up.
int64_t deadline_monotonic_ns(const ReadContext& context, Clock& clock);

/// Tells a read when to stop: its clients left or its time is up.  Made before the read takes its snapshot, for which
/// it may have to wait its turn; cheap enough to be asked for every batch of rows.  Made and destroyed on the thread
/// that reads: what it waits for in a store ends then, too.
class ReadGuard final : private Patience {
 public:
  /// `gate` may be null.  `kind`: see read_kind().
  ReadGuard(const ReadContext& context, Clock& clock, ReadGate* gate, uint64_t kind);
  /// cancelled or timeout.  Lets other reads run when it is their turn.
  Result<void> check();
  /// For other threads that work for this read: when what they wait for is to end.  Thread-safe.
  const Patience& patience() const { return *this; }

 private:
  int64_t until_ns() const override { return deadline_ns_; }
  Result<void> ended() const override;
  void on_wait(bool begins) const override { visit_.on_wait(begins); }
  /// Whether nobody waits for the answer.
  bool left() const {
    return cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed) &&
           (followers_ == nullptr || followers_->load() == 0);
  }

  const std::atomic<bool>* cancelled_;
  const std::atomic<uint32_t>* followers_;
  Clock* clock_;
  int64_t deadline_ns_;
  mutable ReadGate::Visit visit_;
  const Patience::Scope scope_;
};

/// The HTTP answer for an error of a read: invalid 400, not_found 404, cancelled 499, timeout 504, unavailable and
/// exhausted 503, the rest 500; cancelled and timeout have Loki's fixed texts.
QueryError to_query_error(const Error& error);

}  // namespace cordwood::query
