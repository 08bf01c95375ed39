// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cordwood {

struct CrashRunOptions {
  uint64_t seed = 1;
  std::string ignore_syncs_of;  ///< canary: syncs of paths with this in them do nothing
  bool deletes = false;         ///< rows are deleted and held, too
  bool bucket = false;          ///< the home is a bucket that fails; the disk may be lost
};

/// What a run went through, to see that it goes through something.
struct CrashRunReport {
  std::optional<std::string> failure;
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
  uint64_t power_cuts = 0;
  uint64_t cuts_in_recovery = 0;
  uint64_t kills = 0;
  uint64_t failed_openings = 0;
  uint64_t published = 0;
  uint64_t merges = 0;
  uint64_t cuts_in_merges = 0;
  uint64_t operations = 0;
  uint64_t deletes = 0;    ///< asked for
  uint64_t processed = 0;  ///< of these
  uint64_t holds = 0;
  uint64_t rewrites = 0;
  uint64_t day_tables = 0;
  uint64_t bucket_faults = 0;
  uint64_t disks_lost = 0;

  /// Sums all but `failure`.
  CrashRunReport& operator+=(const CrashRunReport& other);
};

/// One history of a store, drawn from the seed: several lives of a process, each of which recovers, answers, takes
/// rows, flushes and fails at random, and ends by losing power or by being killed.  After every start the whole
/// ordered answer is compared with what was acknowledged.
CrashRunReport run_crashes(const CrashRunOptions& options);

}  // namespace cordwood
