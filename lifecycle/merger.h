// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lifecycle/day_tables.h"
#include "lifecycle/merge_bin.h"
#include "lifecycle/merge_plan.h"
#include "lifecycle/merge_policy.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/base/object_store.h"
#include "storage/generation_seal.h"
#include "storage/merge_target.h"
#include "storage/segment_terms.h"

namespace cordwood::lifecycle {

struct MergeOptions {
  bool enabled = true;
  MergePolicyOptions policy;
  uint64_t own_segment_bytes = 1u << 20;  ///< raw bytes of a tenant's day in one merge that get a segment of their own
  uint64_t memory_bytes = 64u << 20;      ///< about what a merge may take
  int64_t quiet_after_ns = 600'000'000'000;  ///< without a publication, what is left is merged however few it is
  uint64_t hurry_segments = 48;              ///< with more than that due, merging does not pause for answers
  int64_t retry_after_ns = 60'000'000'000;   ///< after a failure
  int64_t damaged_retry_after_ns = 86'400'000'000'000;  ///< segments with a damaged block rest this long
  MergeBlockLimits block_limits;
  MergeCarryLimits carry;
  BlockBuilderOptions block;
  std::string spill_dir = "data/spill";
  bool day_ids = false;  ///< days that are over get a common id table: for stores where each read takes long
  DayTableOptions day_tables;
};

/// Merges young segments into large ones, one group at a time: plans (merge_policy.h), makes new blocks bin by bin
/// (merge_bin.h) into a spill file, assembles durable segments of them, and puts those in the place of the old ones by
/// one catalog change.  A crash at any point leaves the old segments or the new ones.  A group whose source cannot
/// be read is left as it is, with a log line, and rests for a while.  One thread at a time, but for stop().
class Merger {
 public:
  /// What it needs of the world; all outlive it.
  struct Environment {
    FileSystem* fs = nullptr;
    Clock* clock = nullptr;
    ObjectStore* store = nullptr;
    MemoryAccountant* memory = nullptr;
    MergeTarget* target = nullptr;
    SegmentTermsBuilder* terms = nullptr;  ///< may be null: merged segments get no Xapian part
    Logger* log = nullptr;
    Metrics* metrics = nullptr;
  };
  Merger(MergeOptions options, Environment environment);

  /// Merges until nothing is due; call about once a second.
  void tick();
  /// One merge, when one is due: true when it was done.  Failures are logged, counted and tried again later.
  bool merge_once();
  /// Writes the common id table of one day (day_tables.h), when one is due: true when it is in use.  Likewise.
  bool join_ids_once();
  /// Merges these segments now, whatever the policy says (tests).
  Result<void> merge_segments(const std::vector<std::string>& keys);
  /// Writes one of the state's segments anew, without the rows that `sieve` holds back, and puts that in its place.
  /// cancelled when stopped, or when what is held has changed since the state.
  Result<void> rewrite(const MergeTarget::State& state, const std::string& key, const RowSieve& sieve);
  /// Whether the last change of segments is known to have been made or not; tries to find out when it is time.
  bool settled();
  /// Any thread: a merge that runs is given up soon, and none begins again.
  void stop() { stop_ = true; }

 private:
  struct Counters {
    explicit Counters(Metrics& metrics);
    Counter& merges;
    Counter& rewrites;
    Counter& failures;
    Counter& terms_failures;
    Counter& damaged;
    Counter& segments_replaced;
    Counter& rows;
    Counter& carried;
    Counter& duplicates;
    Counter& raw_bytes;
    Counter& written_bytes;
    Counter& day_tables;
    Counter& day_table_failures;
    Counter& day_table_bytes;
    Histogram& seconds;
  };
  /// New blocks of one tenant and day.
  struct Part {
    std::vector<SpilledBlock> blocks;
    uint64_t raw_bytes = 0;
    uint64_t stored_bytes = 0;
  };
  using Parts = std::map<std::pair<TenantId, int32_t>, Part>;

  bool is_quiet(const MergeTarget::State& state);
  int32_t first_open_day() const;
  std::vector<MergeCandidate> candidates(const MergeTarget::State& state);
  /// What is to be merged now, and whether that is more than should wait (`behind_`).
  std::vector<MergeGroup> due_merges(const MergeTarget::State& state);
  Result<void> merge_group(const MergeTarget::State& state, const std::vector<const Segment*>& sources,
                           const RowSieve& sieve = nullptr);
  Result<std::vector<MergeBin>> plan(const MergeTarget::State& state, const std::set<std::string>& keys,
                                     const RowSieve& sieve) const;
  MergeBlockLimits block_limits() const;
  Result<MergeCounts> make_blocks(const std::vector<MergeBin>& bins, SpillFile& spill, Parts* parts);
  void count(const std::vector<const Segment*>& sources, const std::vector<SegmentMeta>& written,
             const MergeCounts& counts, uint64_t raw_bytes, int64_t spent_ns, bool sieved);
  Result<void> write_segments(const MergeTarget::State& state, Parts parts, uint64_t generation,
                              const SegmentOrigin& origin, std::vector<SegmentMeta>* written);
  std::string make_terms(const std::vector<SpilledBlock>& blocks);
  void remove(const std::vector<SegmentMeta>& written);
  void rest(const std::vector<const Segment*>& sources, const Error& error);
  /// Notes since when days that are over and have a young segment have the same ones.
  void watch_young_days(std::span<const MergeCandidate> all);
  /// Whether nothing has come to such a day, or gone, for the quiet time.
  bool rests(const MergePart& part) const;
  std::vector<DayTable> due_day_tables(const MergeTarget::State& state);
  Result<void> join_ids(const MergeTarget::State& state, const DayTable& day);

  const MergeOptions options_;
  const Environment env_;
  Counters counters_;
  std::atomic<bool> stop_{false};
  uint64_t attempts_ = 0;
  uint64_t seen_version_ = 0;
  int64_t seen_since_ns_ = 0;
  bool behind_ = false;
  bool unsettled_ = false;
  int64_t settle_at_ns_ = 0;
  std::map<std::string, int64_t> resting_;  ///< segments that are left alone until then
  std::string failed_segment_;              ///< of the last failure, when it is known
  std::set<std::string> apart_;             ///< segments whose ids cannot be joined with others
  std::map<std::pair<TenantId, int32_t>, int64_t> joined_until_ns_;  ///< days that are left alone until then
  struct YoungDay {
    uint64_t segments = 0;  ///< hash
    int64_t since_ns = 0;
  };
  std::map<std::pair<TenantId, int32_t>, YoungDay> young_days_;
};

}  // namespace cordwood::lifecycle
