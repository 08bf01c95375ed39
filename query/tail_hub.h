// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "query/tail_rows.h"
#include "storage/base/clock.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/model/matcher.h"
#include "storage/row_listener.h"

namespace cordwood::query {

struct TailOptions {
  int64_t max_duration_ns = 3600 * kNsPerSecond;
  uint64_t buffer_bytes = 4u << 20;  ///< rows that wait for one client; more are dropped
};

/// A row that a tail's client was too slow for.
struct DroppedRow {
  int64_t time_ns = 0;
  StreamPtr stream;
};

class TailHub;

/// Copies of the rows of some streams that became visible since it was made, until their reader takes them.  Its
/// size is bounded: rows for which there is no room are dropped, and the first of them remembered.  Thread-safe.
class TailInbox {
 public:
  static constexpr size_t kMaxDroppedNamed = 1000;

  ~TailInbox();
  struct Taken {
    std::vector<TailRowsPtr> rows;  ///< in order of arrival
    std::vector<DroppedRow> dropped;
  };
  Taken take();
  /// Rows that were taken are no longer held.
  void release(uint64_t bytes);
  /// Called once when there is something to take, then not again before take().  From any thread, under locks: it must
  /// be quick and must not call back.
  void set_wake(std::function<void()> wake);

 private:
  friend class TailHub;
  TailInbox(TailHub& hub, TenantId tenant, std::vector<Matcher> matchers);
  void offer(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows);
  bool follows(const StreamPtr& stream) REQUIRES(mu_);
  void drop(const RowBatch& batch, const BatchRow& row) REQUIRES(mu_);

  TailHub& hub_;
  const TenantId tenant_;
  const std::vector<Matcher> matchers_;

  Mutex mu_;
  Taken waiting_ GUARDED_BY(mu_);
  uint64_t held_bytes_ GUARDED_BY(mu_) = 0;  ///< waiting or taken and not released
  MemoryReservation memory_ GUARDED_BY(mu_);
  std::unordered_map<StreamPtr, bool> followed_ GUARDED_BY(mu_);  ///< what matchers_ say of streams seen lately
  std::vector<uint32_t> matching_ GUARDED_BY(mu_);                ///< scratch of offer()
  std::function<void()> wake_ GUARDED_BY(mu_);
  bool woken_ GUARDED_BY(mu_) = false;
};

/// Hands the rows that become visible to those who tail.  Thread-safe; outlives the engine and every inbox.
class TailHub final : public RowListener {
 public:
  struct Environment {
    MemoryAccountant* memory = nullptr;
    Clock* clock = nullptr;
    Metrics* metrics = nullptr;
  };
  TailHub(TailOptions options, Environment environment);

  const TailOptions& options() const { return options_; }
  /// exhausted, with Loki's text, when the tenant has `max_tails` already.
  Result<std::unique_ptr<TailInbox>> subscribe(const TenantId& tenant, std::vector<Matcher> matchers,
                                               uint64_t max_tails);

  bool wants(const TenantId& tenant) const override;
  void on_rows(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows) override;

 private:
  friend class TailInbox;
  void unsubscribe(TailInbox* inbox);

  const TailOptions options_;
  const Environment environment_;
  Counter& tails_total_;
  Counter& refused_total_;
  Counter& dropped_total_;
  const uint64_t max_held_bytes_;  ///< of all tails, so that queries keep most of their share of memory
  std::atomic<uint64_t> held_bytes_{0};
  const std::shared_ptr<std::atomic<uint64_t>> active_;  ///< shared with the gauge, which metrics may outlive us with
  mutable Mutex mu_;
  std::map<TenantId, std::vector<TailInbox*>> inboxes_ GUARDED_BY(mu_);
};

}  // namespace cordwood::query
