// SPDX-License-Identifier: Apache-2.0
#include "query/trace_context.h"

#include <algorithm>
#include <limits>

#include "query/row_merge.h"

namespace cordwood::query {

namespace {

using Parts = std::map<std::string, TraceLookup::Part>;

constexpr int64_t kLatest = std::numeric_limits<int64_t>::max();

int64_t earlier(int64_t time_ns, int64_t by_ns) {
  int64_t out = 0;
  return __builtin_sub_overflow(time_ns, by_ns, &out) ? std::numeric_limits<int64_t>::min() : out;
}
int64_t later(int64_t time_ns, int64_t by_ns) {
  int64_t out = 0;
  return __builtin_add_overflow(time_ns, by_ns, &out) ? kLatest : out;
}

/// Blocks that hold rows of each stream, by label string.
std::map<std::string_view, std::vector<BlockSourcePtr>> blocks_of(const QueryScope& scope, const Parts& parts,
                                                                  TimeRange visible) {
  std::map<std::string_view, std::vector<BlockSourcePtr>> out;
  for (const BlockSourcePtr& block : scope.snapshot->blocks(scope.context->tenant, visible)) {
    for (const BlockStream& held : block->info().streams) {
      const auto part = parts.find(held.stream->label_string);
      if (part != parts.end() && part->second.stream->same_as(*held.stream)) out[part->first].push_back(block);
    }
  }
  return out;
}

class StreamReader {
 public:
  StreamReader(const QueryScope& scope, const TraceLookup::Part& part, const std::vector<BlockSourcePtr>& blocks,
               std::vector<TraceLine>* out)
      : scope_(scope), part_(part), blocks_(blocks), out_(out) {}

  /// Adds at most `count` rows of the range, from its start or, backward, from its end.
  Result<void> read(TimeRange range, Direction direction, uint64_t count) {
    if (range.empty() || count == 0) return {};
    const ReadPlan plan = plan_streams(scope_.snapshot, range, std::span(&part_.stream, 1), blocks_);
    RowMerge merge(scope_, plan, direction);
    const size_t begin = out_->size();
    RowMerge::Row row;
    for (uint64_t taken = 0; taken < count;) {
      TRY_ASSIGN(const bool more, merge.next(&row));
      if (!more) break;
      ++scope_.stats->lines_processed;
      auto line = read_trace_line(scope_, *row.view, row.row, row.time_ns, part_.stream);
      if (!line.ok()) {
        if (!skip_damaged(scope_, line.error())) return std::move(line).error();
        continue;
      }
      out_->push_back(std::move(*line));
      ++taken;
    }
    if (direction == Direction::backward) std::reverse(out_->begin() + static_cast<ptrdiff_t>(begin), out_->end());
    return {};
  }

 private:
  const QueryScope& scope_;
  const TraceLookup::Part& part_;
  const std::vector<BlockSourcePtr>& blocks_;
  std::vector<TraceLine>* out_;
};

}  // namespace

Result<void> read_trace_context(const QueryScope& scope, const Parts& parts, const TraceContextRequest& request,
                                TimeRange visible, TraceAnswer* answer) {
  const auto& [trace, before, after] = request;
  int64_t first_ns = kLatest, last_ns = std::numeric_limits<int64_t>::min();
  for (const auto& [labels, part] : parts) {
    first_ns = std::min(first_ns, part.first_ns);
    last_ns = std::max(last_ns, part.last_ns);
  }
  auto blocks = blocks_of(scope, parts, visible);
  std::vector<TraceLine> lines;
  for (const auto& [labels, part] : parts) {
    TRY(scope.guard->check());
    StreamReader reader(scope, part, blocks[labels], &lines);
    const int64_t from_ns = before.by_time ? earlier(first_ns, before.time_ns) : visible.start_ns;
    const int64_t to_ns = after.by_time ? later(later(last_ns, after.time_ns), 1) : visible.end_ns;
    TRY(reader.read({std::max(from_ns, visible.start_ns), part.first_ns}, Direction::backward,
                    before.by_time ? trace.limit : before.lines));
    TRY(reader.read({part.first_ns, later(part.last_ns, 1)}, Direction::forward, trace.limit));
    TRY(reader.read({later(part.last_ns, 1), std::min(to_ns, visible.end_ns)}, Direction::forward,
                    after.by_time ? trace.limit : after.lines));
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const TraceLine& a, const TraceLine& b) { return a.time_ns < b.time_ns; });
  if (lines.size() > trace.limit) lines.erase(lines.begin() + static_cast<ptrdiff_t>(trace.limit), lines.end());
  answer->lines = std::move(lines);
  for (const TraceLine& line : answer->lines) count_trace_line(line, answer);
  scope.stats->entries_returned = answer->lines.size();
  return {};
}

}  // namespace cordwood::query
