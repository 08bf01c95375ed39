// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/day_tables.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace cordwood::lifecycle {

std::vector<DayTable> choose_day_tables(std::span<const MergeCandidate> candidates, const DayTableOptions& options,
                                        const std::function<bool(size_t)>& joined,
                                        const std::function<bool(const MergePart&)>& rests, bool quiet,
                                        int32_t first_open_day) {
  std::map<std::pair<int32_t, TenantId>, std::vector<size_t>, std::greater<>> days;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const MergeCandidate& c = candidates[i];
    if (c.parts.size() != 1 || c.parts[0].day >= first_open_day) continue;
    if (c.level == 0 && !rests(c.parts[0])) continue;
    days[{c.parts[0].day, c.parts[0].tenant}].push_back(i);
  }
  std::vector<DayTable> chosen;
  for (auto& [of, segments] : days) {
    if (segments.size() < 2) continue;
    uint64_t bytes = 0;
    uint64_t late_bytes = 0;
    size_t late = 0;
    for (const size_t i : segments) {
      bytes += candidates[i].size_bytes;
      if (joined(i)) continue;
      late_bytes += candidates[i].size_bytes;
      ++late;
    }
    const bool worth = late == segments.size() || late >= options.late_segments ||
                       late_bytes >= bytes / std::max<uint64_t>(options.late_part, 1) || quiet;
    if (late == 0 || !worth) continue;
    // The largest ones, should there be too many.
    std::sort(segments.begin(), segments.end(), [&](size_t a, size_t b) {
      return std::tie(candidates[b].size_bytes, candidates[a].key) <
             std::tie(candidates[a].size_bytes, candidates[b].key);
    });
    if (segments.size() > options.most_segments) segments.resize(options.most_segments);
    chosen.push_back({{of.second, of.first}, std::move(segments)});
  }
  return chosen;
}

}  // namespace cordwood::lifecycle
