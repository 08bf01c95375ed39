// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lifecycle/merge_policy.h"

namespace cordwood::lifecycle {

/// A tenant's day that should get a common id table (storage/day_ids.h), and its segments: indexes into the candidates.
struct DayTable {
  MergePart of;
  std::vector<size_t> segments;
};

struct DayTableOptions {
  size_t late_segments = 4;  ///< so many that the day's table lacks make it worth to be written again,
  uint64_t late_part = 8;    ///< or this part of its bytes
  size_t most_segments = 1024;
};

/// Which days need one, the newest first: days before `first_open_day` with several segments that hold nothing else.  A
/// young one counts once its day `rests`: it is left so when it adds too little to a large one.  To be asked when
/// nothing is to be merged.  `joined`: whether a good table has that one.  `quiet`: a single one that it lacks will do.
std::vector<DayTable> choose_day_tables(std::span<const MergeCandidate> candidates, const DayTableOptions& options,
                                        const std::function<bool(size_t)>& joined,
                                        const std::function<bool(const MergePart&)>& rests, bool quiet,
                                        int32_t first_open_day);

}  // namespace cordwood::lifecycle
