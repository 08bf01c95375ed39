// SPDX-License-Identifier: Apache-2.0
#include "query/metadata_streams.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace cordwood::query {

namespace {

using StreamsById = std::unordered_multimap<StreamId, StreamPtr, StreamIdHash>;

bool holds(const StreamsById& streams, const Stream& stream) {
  const auto [begin, end] = streams.equal_range(stream.id);
  return std::any_of(begin, end, [&stream](const auto& entry) { return entry.second->same_as(stream); });
}

/// Half-open form of a closed range.
TimeRange half_open(int64_t start_ns, int64_t end_ns) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return {start_ns, end_ns == kMax ? kMax : end_ns + 1};
}

}  // namespace

Result<StreamParts> find_stream_parts(const QueryEngine::Environment& environment, const TenantId& tenant,
                                      int64_t start_ns, int64_t end_ns, std::span<const Matcher> matchers) {
  const TimeRange range = half_open(start_ns, end_ns);
  StreamParts found;
  // The snapshot comes first: a stream of a later one may be missing from the index' answer, never the reverse.
  found.snapshot = environment.snapshot();
  TRY_ASSIGN(const std::vector<StreamPtr> streams, environment.streams->select(tenant, range, matchers));
  StreamsById wanted;
  for (const StreamPtr& stream : streams) {
    if (stream->kind == StreamKind::log) wanted.emplace(stream->id, stream);
  }
  if (wanted.empty()) return found;
  found.blocks = found.snapshot->blocks(tenant, range);
  for (const BlockSourcePtr& block : found.blocks) {
    const std::vector<BlockStream>& parts = block->info().streams;
    for (uint32_t i = 0; i < parts.size(); ++i) {
      if (!range.overlaps_closed(parts[i].time_min_ns, parts[i].time_max_ns)) continue;
      if (holds(wanted, *parts[i].stream)) found.parts.push_back({parts[i].stream, &parts[i], block.get(), i});
    }
  }
  return found;
}

std::vector<StreamPtr> distinct_streams(const StreamParts& parts) {
  std::vector<StreamPtr> out;
  out.reserve(parts.parts.size());
  for (const StreamPart& part : parts.parts) out.push_back(part.stream);
  std::sort(out.begin(), out.end(), [](const StreamPtr& a, const StreamPtr& b) {
    return a->label_string != b->label_string ? a->label_string < b->label_string : a->id < b->id;
  });
  out.erase(std::unique(out.begin(), out.end(), [](const StreamPtr& a, const StreamPtr& b) { return a->same_as(*b); }),
            out.end());
  return out;
}

}  // namespace cordwood::query
