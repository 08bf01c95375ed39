// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "query/kept_results.h"
#include "query/stream_collector.h"

namespace cordwood::query {

/// The newest lines of a log query, and the version of the store that they were read from at least.
struct NewestLines {
  TimeRange range;
  uint64_t version = 0;
  bool whole = false;             ///< there are no others in the range
  std::vector<CapturedRow> rows;  ///< in the order of the answer, the newest first
  uint64_t memory_bytes() const;
};

/// Answers of log queries that filter: the next refresh of a panel, a few seconds on, has to look for the lines that
/// came since, and the older ones follow them as before.
class KeptLines final : public KeptResults<NewestLines> {
 public:
  KeptLines(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics);
};

/// Puts behind `rows`, which are all of the range's rows from `from_ns` on, or `limit` of them, what is known of those
/// before it, which are as they were.  Returns how many; nothing when there may be others.
std::optional<size_t> append_older(const NewestLines& known, TimeRange range, int64_t from_ns, size_t limit,
                                   std::vector<CapturedRow>* rows);

}  // namespace cordwood::query
