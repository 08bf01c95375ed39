// SPDX-License-Identifier: Apache-2.0
#include "storage/head_counts.h"

#include <algorithm>

#include "storage/base/same_text.h"
#include "storage/block_count_table.h"
#include "storage/head_block.h"

namespace cordwood {

void HeadCounts::add(const HeadRow& row) {
  ++rows_;
  for (const MetadataPair& pair : row.metadata()) add_name(pair.name);
  if (entries_ > kMostEntries) return;
  if (row.stream >= streams_.size()) streams_.resize(row.stream + 1);
  std::vector<BlockCount>& counts = streams_[row.stream];
  const int64_t bucket = count_bucket(row.time_ns, kWidthNs);
  const std::string_view level = counted_level(row.metadata());
  constexpr size_t kLatest = 16;  // those further back are joined when somebody asks
  auto at =
      std::find_if(counts.rbegin(), counts.rbegin() + std::min(kLatest, counts.size()),
                   [&](const BlockCount& count) { return count.bucket == bucket && same_text(count.level, level); });
  if (at == counts.rbegin() + std::min(kLatest, counts.size())) {
    counts.push_back({row.stream, bucket, level, 0, 0, 0});
    ++entries_;
    at = counts.rbegin();
  }
  count_row(row.line_bytes, row.metadata(), &*at);
}

void HeadCounts::add_name(std::string_view name) {
  const auto same = [name](std::string_view known) { return same_text(known, name); };
  if (names_.size() <= kMostNames && std::none_of(names_.begin(), names_.end(), same)) names_.push_back(name);
}

bool HeadCounts::may_have_metadata(std::string_view name) const {
  return names_.size() > kMostNames || std::find(names_.begin(), names_.end(), name) != names_.end();
}

std::shared_ptr<const std::vector<BlockCount>> HeadCounts::table() const {
  if (entries_ > kMostEntries) return nullptr;
  auto table = std::make_shared<std::vector<BlockCount>>();
  table->reserve(entries_);
  for (const std::vector<BlockCount>& counts : streams_) table->insert(table->end(), counts.begin(), counts.end());
  join_equal(table.get());
  return table;
}

}  // namespace cordwood
