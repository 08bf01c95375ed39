// SPDX-License-Identifier: Apache-2.0
#include "query/copy_filter.h"

#include <algorithm>

namespace cordwood::query {

Result<void> CopyFilter::prepare() {
  if (!plan_.contested) return {};
  struct Seen {
    uint32_t ordinal;
    int64_t time_ns;
    uint32_t block;
  };
  std::vector<Seen> rows;
  for (size_t i = 0; i < plan_.blocks.size(); ++i) {
    const auto& parts = plan_.blocks[i].source->info().streams;
    const bool contested = std::any_of(parts.begin(), parts.end(), [&](const BlockStream& part) {
      const auto ordinal = plan_.ordinal(*part.stream);
      return ordinal && plan_.streams[*ordinal].contested;
    });
    if (!contested) continue;
    TRY(scope_.guard->check());
    TRY_ASSIGN(const OpenBlock block, open_block(scope_, plan_, plan_.blocks[i]));
    for (const RowSpan& span : block.spans) {
      if (!plan_.streams[span.ordinal].contested) continue;
      TRY(scope_.memory->add((span.end - span.begin) * sizeof(Seen)));
      for (uint32_t row = span.begin; row < span.end; ++row) {
        rows.push_back({span.ordinal, block.times[row], static_cast<uint32_t>(i)});
      }
    }
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
