// SPDX-License-Identifier: Apache-2.0
#include "storage/head_counts.h"

#include <algorithm>

#include "storage/base/same_text.h"
#include "storage/block_count_table.h"
#include "storage/head_block.h"

namespace cordwood {

void HeadCounts::add(const HeadRow& row) {
  ++rows_;
  if (row.stream >= streams_.size()) streams_.resize(row.stream + 1);
  StreamCounts& stream = streams_[row.stream];
  const Recent wanted{row.metadata_data, row.metadata_count, count_bucket(row.time_ns, kWidthNs), 0};
  size_t at = 0;
  while (at < stream.recent.size() && !stream.recent[at].like(wanted)) ++at;
  if (at == stream.recent.size()) {
    for (const MetadataPair& pair : row.metadata()) add_name(pair.name);
    if (entries_ > kMostEntries) return;
    stream.recent[--at] = wanted;
    stream.recent[at].place = place_of(wanted.bucket, counted_level(row.metadata()), row.stream);
  }
  std::rotate(stream.recent.begin(), stream.recent.begin() + at, stream.recent.begin() + at + 1);
  count_row(row.line_bytes, row.metadata(), &stream.counts[stream.recent.front().place]);
}

size_t HeadCounts::place_of(int64_t bucket, std::string_view level, uint32_t stream) {
  std::vector<BlockCount>& counts = streams_[stream].counts;
  constexpr size_t kLatest = 16;  // those further back are joined when somebody asks
  const auto end = counts.rbegin() + static_cast<ptrdiff_t>(std::min(kLatest, counts.size()));
  const auto known = std::find_if(counts.rbegin(), end, [&](const BlockCount& count) {
    return count.bucket == bucket && same_text(count.level, level);
  });
  if (known != end) return counts.rend() - known - 1;
  counts.push_back({stream, bucket, level, 0, 0, 0});
  ++entries_;
  return counts.size() - 1;
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
  for (const StreamCounts& stream : streams_) {
    table->insert(table->end(), stream.counts.begin(), stream.counts.end());
  }
  join_equal(table.get());
  return table;
}

}  // namespace cordwood
