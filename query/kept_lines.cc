// SPDX-License-Identifier: Apache-2.0
#include "query/kept_lines.h"

#include <algorithm>

namespace cordwood::query {

uint64_t NewestLines::memory_bytes() const {
  uint64_t bytes = sizeof(NewestLines);
  for (const CapturedRow& row : rows) bytes += row.memory_bytes();
  return bytes;
}

KeptLines::KeptLines(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics)
    : KeptResults(max_bytes, memory,
                  metrics.counter("cordwood_query_kept_lines_total",
                                  "Lines of log queries that were taken from an answer before.")) {}

std::optional<size_t> append_older(const NewestLines& known, TimeRange range, int64_t from_ns, size_t limit,
                                   std::vector<CapturedRow>* rows) {
  const auto before = [&known](int64_t time_ns) {
    return std::partition_point(known.rows.begin(), known.rows.end(),
                                [time_ns](const CapturedRow& row) { return row.entry.time_ns >= time_ns; });
  };
  const auto begin = before(from_ns);
  const auto end = before(range.start_ns);
  const size_t wanted = limit - std::min(limit, rows->size());
  const auto found = static_cast<size_t>(end - begin);
  const bool all_known = end != known.rows.end() || (known.whole && known.range.start_ns <= range.start_ns);
  if (found < wanted && !all_known) return std::nullopt;
  const size_t taken = std::min(found, wanted);
  rows->insert(rows->end(), begin, begin + static_cast<ptrdiff_t>(taken));
  return taken;
}

}  // namespace cordwood::query
