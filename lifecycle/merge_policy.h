// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/model/stream.h"

namespace cordwood::lifecycle {

/// What a segment holds rows of.
struct MergePart {
  TenantId tenant;
  int32_t day = 0;  ///< UTC
  bool operator==(const MergePart&) const = default;
};

/// What the policy looks at of one published segment.
struct MergeCandidate {
  std::string key;
  uint32_t level = 0;  ///< how often its rows were rewritten, at most
  uint64_t size_bytes = 0;
  uint64_t arrival_min = 0;
  uint64_t arrival_max = 0;
  bool fixed = false;  ///< must stay as it is for now; nothing is merged across it
  std::vector<MergePart> parts;
};

struct MergePolicyOptions {
  uint32_t fan_in = 12;                 ///< so many neighbours of one level are merged
  uint64_t segment_bytes = 256u << 20;  ///< or fewer, once they have this size together; half of it is grown up
  double max_rewrites = 1.5;            ///< on average over all bytes kept; of days that are over twice as many
  /// Up to so much a day that is over becomes one segment, so that one read locates an id in it.
  uint64_t day_bytes() const { return 2 * segment_bytes; }
};

/// Segments that become new ones together, in order of arrival: indexes into the candidates.
using MergeGroup = std::vector<size_t>;

/// Which segments to merge now: groups without a segment in common, the most urgent first.  Size-tiered: only
/// neighbours in arrival that were rewritten equally often are merged; young segments first of all, those of many
/// tenants among themselves, those of one tenant and day likewise.  Segments whose arrival overlaps (written by one
/// merge or one generation) stay together.  With `quiet`, when nothing was published for a while, two will do.
/// Rewriting ends where max_rewrites is used up, so write amplification stays below 1 + max_rewrites.  `cuts`,
/// ascending: nothing that arrived by one of them is merged with what arrived later.  `first_open_day`: of a
/// tenant's day before it all neighbours that hold nothing else are merged together; without the first when it is large
/// and the others add too little to it.
std::vector<MergeGroup> choose_merges(std::span<const MergeCandidate> candidates, const MergePolicyOptions& options,
                                      bool quiet, std::span<const uint64_t> cuts = {},
                                      int32_t first_open_day = INT32_MIN);

}  // namespace cordwood::lifecycle
