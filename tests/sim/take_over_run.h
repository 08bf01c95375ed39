// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cordwood {

struct TakeOverOptions {
  uint64_t seed = 1;
  bool deletes = false;  ///< rows are deleted, too
  bool overlap = false;  ///< now and then a machine is still at work when another begins
};

/// What a run went through, to see that it goes through something.
struct TakeOverReport {
  std::optional<std::string> failure;
  uint64_t acknowledged = 0;
  uint64_t acknowledged_by_disk = 0;
  uint64_t refused = 0;
  uint64_t take_overs = 0;
  uint64_t displaced = 0;       ///< logs that were replayed under another number
  uint64_t left_out = 0;        ///< rows of those that had been deleted
  uint64_t cuts_in_starts = 0;  ///< of power
  uint64_t disks_lost = 0;
  uint64_t merges = 0;
  uint64_t deletes = 0;
  uint64_t bucket_faults = 0;
  uint64_t stopped = 0;  ///< because they found that another had taken over

  /// Sums all but `failure`.
  TakeOverReport& operator+=(const TakeOverReport& other);
};

/// Three machines that take turns, by a seed, at being the one node of a bucket: each with a disk of its own, that it
/// comes back with (or an empty one), and with pushes acknowledged by disk or by bucket.  What a machine answers must
/// have all that was acknowledged but what only another machine's disk has, each row once; in the end, when all have
/// been back, everything.
TakeOverReport run_take_overs(const TakeOverOptions& options);

}  // namespace cordwood
