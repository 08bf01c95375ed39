// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cordwood {

struct LeaseRunOptions {
  uint64_t seed = 1;
  bool deletes = false;      ///< rows are deleted, too; then wall clocks agree
  bool conditional = false;  ///< the bucket honours If-None-Match, and the lease is the node's
};

/// What a run went through, to see that it goes through something.
struct LeaseRunReport {
  std::optional<std::string> failure;
  uint64_t acknowledged = 0;
  uint64_t acknowledged_by_disk = 0;
  uint64_t refused = 0;
  uint64_t held = 0;     ///< times the lease was taken
  uint64_t lapsed = 0;   ///< times it could not be renewed
  uint64_t lost = 0;     ///< times another took it from a server still alive
  uint64_t killed = 0;   ///< processes, in the middle of something
  uint64_t stalled = 0;  ///< times a server stood still for longer than the lease
  uint64_t faults = 0;   ///< of requests
  uint64_t late = 0;     ///< writes that came to the bucket after they had been given up
  uint64_t disks_lost = 0;
  uint64_t merges = 0;
  uint64_t deletes = 0;

  /// Sums all but `failure`.
  LeaseRunReport& operator+=(const LeaseRunReport& other);
};

/// Two servers of one node contend, by a seed, for the lease of one bucket, each on a disk and with clocks of its own:
/// they crash, stand still, are cut off; answers are lost, lists are old, writes arrive late, as late as
/// storage/writer_lease.h allows.  Nobody but the holder may change the bucket, nothing that is there may be written
/// over by something else, and whoever holds the lease must answer what PushedRows wants.
LeaseRunReport run_lease(const LeaseRunOptions& options);

}  // namespace cordwood
