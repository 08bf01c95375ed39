// SPDX-License-Identifier: Apache-2.0
#include "storage/count_columns.h"

#include <unordered_map>

namespace cordwood {

CountColumns to_columns(const std::vector<BlockCount>& counts) {
  CountColumns out;
  std::unordered_map<std::string_view, uint32_t> ids;
  for (const BlockCount& c : counts) {
    const auto [id, is_new] = ids.try_emplace(c.level, static_cast<uint32_t>(out.levels.size()));
    if (is_new) out.levels.push_back(c.level);
    out.streams.push_back(c.stream);
    out.buckets.push_back(c.bucket);
    out.level_ids.push_back(id->second);
    out.rows.push_back(c.rows);
    out.line_bytes.push_back(c.line_bytes);
    out.metadata_bytes.push_back(c.metadata_bytes);
  }
  return out;
}

std::vector<BlockCount> to_counts(const CountColumns& columns) {
  std::vector<BlockCount> counts;
  counts.reserve(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    counts.push_back({columns.streams[i], columns.buckets[i], columns.levels[columns.level_ids[i]], columns.rows[i],
                      columns.line_bytes[i], columns.metadata_bytes[i]});
  }
  return counts;
}

Result<void> BlockSource::count_columns(size_t table, CountValues, CountColumns* out) const {
  TRY_ASSIGN(const std::vector<BlockCount> all, counts(table));
  *out = to_columns(all);
  return {};
}

}  // namespace cordwood
