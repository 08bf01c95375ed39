// SPDX-License-Identifier: Apache-2.0
#include "query/copy_filter.h"

#include <algorithm>

namespace cordwood::query {

Result<void> CopyFilter::add_contested(const OpenBlock& block, const RowSpan& span, uint32_t number,
                                       std::vector<Seen>* rows) {
  const auto first = block.times.begin() + span.begin, last = block.times.begin() + span.end;
  if (first == last) return {};
  const PlannedStream& stream = plan_.streams[span.ordinal];
  for (auto overlap = stream.next_overlap(*first); overlap != stream.overlaps.end(); ++overlap) {
    const auto begin = std::lower_bound(first, last, overlap->first_ns);
    if (begin == last) break;
    const auto end = std::upper_bound(begin, last, overlap->last_ns);
    TRY(scope_.memory->add(static_cast<uint64_t>(end - begin) * sizeof(Seen)));
    for (auto time = begin; time != end; ++time) rows->push_back({span.ordinal, *time, number});
  }
  return {};
}

Result<void> CopyFilter::prepare() {
  std::vector<Seen> rows;
  for (size_t i = 0; i < plan_.blocks.size(); ++i) {
    if (!plan_.blocks[i].contested) continue;
    TRY(scope_.guard->check());
    TRY_ASSIGN(const OpenBlock block, open_block(scope_, plan_, plan_.blocks[i]));
    for (const RowSpan& span : block.spans) TRY(add_contested(block, span, static_cast<uint32_t>(i), &rows));
  }
  std::sort(rows.begin(), rows.end(), [](const Seen& a, const Seen& b) {
    if (a.ordinal != b.ordinal) return a.ordinal < b.ordinal;
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.block < b.block;
  });
  for (size_t i = 1; i < rows.size(); ++i) {
    const Seen &a = rows[i - 1], &b = rows[i];
    if (a.ordinal == b.ordinal && a.time_ns == b.time_ns && a.block != b.block) shared_.insert({a.ordinal, a.time_ns});
  }
  return {};
}

Result<bool> CopyFilter::is_copy(BlockView& view, uint32_t row, uint32_t ordinal, int64_t time_ns) {
  if (!shared_.contains({ordinal, time_ns})) return false;
  TRY_ASSIGN(const Hash128 identity, row_identity(view, row));
  const bool copy = !seen_.insert({{ordinal, time_ns}, identity}).second;
  if (copy) ++scope_.stats->duplicates;
  return copy;
}

}  // namespace cordwood::query
