// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lifecycle/audit_log.h"
#include "lifecycle/merger.h"
#include "storage/delete_target.h"

namespace cordwood::lifecycle {

struct EraserOptions {
  bool erase = true;                              ///< false: what is deleted is hidden and stays where it is
  int64_t cancel_period_ns = 86'400'000'000'000;  ///< after a request, until it is carried out
  int64_t retry_after_ns = 60'000'000'000;        ///< after a failure
  RetentionRules retention;                       ///< the engine's
  int64_t late_ns = 86'400'000'000'000;  ///< a segment with rows that outlived their retention so long is written anew
};

/// Takes deleted rows, and such as are beyond their retention, out of the files: segments that hold any are written
/// anew without them, or dropped when nothing else is in them.  A request is `processed` when no segment, dropped or
/// not, no WAL, spill file and no database of streams holds anything of it.  Rows on hold stay, and their request
/// waits.  One thread at a time, the merger's, but for stop() and percent().
class Eraser {
 public:
  /// What it needs of the world; all outlive it.
  struct Environment {
    Clock* clock = nullptr;
    MergeTarget* segments = nullptr;
    DeleteTarget* deletes = nullptr;
    Merger* merger = nullptr;
    AuditLog* audit = nullptr;
    /// Makes the index forget streams of the tenant that are gone on the days of the range; may be null.
    std::function<Result<void>(const TenantId&, TimeRange)> forget_streams;
    Logger* log = nullptr;
    Metrics* metrics = nullptr;
  };
  Eraser(EraserOptions options, Environment environment);

  /// Does what is due; call about once a second.  Finds out early which rows a request means, so that reads need not.
  void tick();
  /// Any thread: no further segment is begun.  A rewrite ends with the merger's stop().
  void stop() { stop_ = true; }

  /// How far a request has come; what is not known yet counts as untouched.
  struct Progress {
    uint32_t percent = 0;
    bool held = false;  ///< waits for a hold to be lifted
  };
  Progress progress(const std::string& id) const;

 private:
  struct Counters {
    explicit Counters(Metrics& metrics);
    Counter& processed;
    Counter& rewritten;
    Counter& dropped;
    Counter& rows;
    Counter& failures;
    Counter& aged_dropped;
    Counter& aged_rewritten;
    Counter& aged_rows;
  };
  /// What is known of one segment.
  struct Contents {
    uint32_t hidden = 0;
    uint32_t held = 0;
    uint64_t rows = 0;
    bool unknown = false;  ///< part of it cannot be read
  };
  /// The requests of one tenant that are carried out together.
  struct Pass {
    std::vector<std::string> ids;
    uint64_t holds_version = 0;
    std::shared_ptr<const TenantVeil> veil;
    size_t segments = 0;  ///< that held something when it began
  };
  enum class Outcome : uint8_t { nothing, did_some, failed };

  bool is_ours(const MergeTarget::State& state, const SegmentMeta& meta) const;
  Contents contents(const Segment& segment, const TenantId& tenant, const TenantVeil& veil) const;
  Outcome rewrite(const MergeTarget::State& state, const Segment& segment, const TenantId& tenant,
                  const TenantVeil& veil);

  // eraser.cc
  void look_ahead();
  void erase_deleted();
  void erase_of(const TenantId& tenant, const std::vector<DeleteRequest>& due);
  bool clear(const TenantId& tenant, Pass* pass);
  void finish(const DeleteRequest& request);
  Result<void> note_processed(const DeleteRequest& request);
  Result<bool> is_gone(const DeleteRequest& request);
  void note(const std::vector<std::string>& ids, size_t left, size_t of, bool held);

  // eraser_age.cc
  void erase_aged();
  bool worth_it(const Segment& segment, int64_t now_ns) const;
  Outcome erase_aged_of(const MergeTarget::State& state, const Segment& segment, int64_t now_ns);
  using RowsOfTenants = std::map<TenantId, uint64_t>;
  Result<void> note_aged(const SegmentMeta& segment, const RowsOfTenants& aged, int64_t now_ns,
                         const std::string& error);
  void forget_aged(const SegmentMeta& segment, const RowsOfTenants& aged);

  const EraserOptions options_;
  const Environment env_;
  Counters counters_;
  std::atomic<bool> stop_{false};
  std::map<TenantId, Pass> passes_;
  std::map<std::string, uint64_t> marks_;  ///< by request: what has to be gone from the disk
  std::set<std::string> looked_at_;        ///< requests whose rows are known
  std::set<std::string> noted_;            ///< requests whose end is in the audit log already
  int64_t retry_at_ns_ = 0;
  std::optional<int64_t> aged_at_ns_;
  int64_t retry_aged_at_ns_ = 0;

  mutable Mutex mu_;
  std::map<std::string, Progress> progress_ GUARDED_BY(mu_);
};

}  // namespace cordwood::lifecycle
