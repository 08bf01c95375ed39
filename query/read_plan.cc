// SPDX-License-Identifier: Apache-2.0
#include "query/read_plan.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <ctime>
#include <limits>

#include "query/bytes_text.h"
#include "storage/id_reads.h"

namespace cordwood::query {

namespace {

/// XXH64 over names and values, each closed by a byte that UTF-8 does not have.
uint64_t stream_hash(const Labels& labels) {
  std::string bytes;
  for (const auto& [name, value] : labels.pairs()) {
    bytes += name;
    bytes += '\xff';
    bytes += value;
    bytes += '\xff';
  }
  return XXH64(bytes.data(), bytes.size(), 0);
}

/// Where at least two of them are.
std::vector<TimeSpan> overlaps_of(std::vector<TimeSpan>* parts) {
  const auto before = [](const TimeSpan& a, const TimeSpan& b) { return a.first_ns < b.first_ns; };
  if (!std::is_sorted(parts->begin(), parts->end(), before)) std::sort(parts->begin(), parts->end(), before);
  std::vector<TimeSpan> overlaps;
  int64_t reach_ns = parts->empty() ? 0 : parts->front().last_ns;
  for (size_t i = 1; i < parts->size(); ++i) {
    const TimeSpan& part = (*parts)[i];
    if (part.first_ns <= reach_ns) {
      const int64_t last_ns = std::min(reach_ns, part.last_ns);
      if (!overlaps.empty() && part.first_ns <= overlaps.back().last_ns) {
        overlaps.back().last_ns = std::max(overlaps.back().last_ns, last_ns);
      } else {
        overlaps.push_back({part.first_ns, last_ns});
      }
    }
    reach_ns = std::max(reach_ns, part.last_ns);
  }
  return overlaps;
}

std::string format_time(int64_t time_ns) {
  const std::time_t seconds = floor_div(time_ns, kNsPerSecond);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, size);
}

bool is_contested(const ReadPlan& plan, const PlannedBlock& block) {
  const auto& parts = block.source->info().streams;
  return std::any_of(parts.begin(), parts.end(), [&plan](const BlockStream& part) {
    const auto ordinal = part.rows == 0 ? std::nullopt : plan.ordinal(*part.stream);
    return ordinal && plan.streams[*ordinal].contested({part.time_min_ns, part.time_max_ns});
  });
}

void plan_blocks(ReadPlan* plan, std::vector<BlockSourcePtr> sources) {
  std::vector<std::vector<TimeSpan>> parts(plan->streams.size());
  plan->blocks.reserve(sources.size());
  for (BlockSourcePtr& source : sources) {
    PlannedBlock block;
    block.time_min_ns = std::numeric_limits<int64_t>::max();
    block.time_max_ns = std::numeric_limits<int64_t>::min();
    for (const BlockStream& part : source->info().streams) {
      if (part.rows == 0 || !plan->range.overlaps_closed(part.time_min_ns, part.time_max_ns)) continue;
      const auto ordinal = plan->ordinal(*part.stream);
      if (!ordinal) continue;
      parts[*ordinal].push_back({part.time_min_ns, part.time_max_ns});
      block.time_min_ns = std::min(block.time_min_ns, part.time_min_ns);
      block.time_max_ns = std::max(block.time_max_ns, part.time_max_ns);
      block.rows += part.rows;
      block.line_bytes += part.line_bytes;
    }
    if (block.rows == 0) continue;
    block.source = std::move(source);
    plan->blocks.push_back(std::move(block));
  }
  bool any = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    plan->streams[i].overlaps = overlaps_of(&parts[i]);
    any = any || !plan->streams[i].overlaps.empty();
  }
  for (size_t i = 0; any && i < plan->blocks.size(); ++i)
    plan->blocks[i].contested = is_contested(*plan, plan->blocks[i]);
}

/// Whether the lines of all selectors of the query so far are more than max_query_bytes_read.
Result<void> check_bytes(const QueryScope& scope, const ReadPlan& plan) {
  const uint64_t limit = scope.context->limits.max_query_bytes_read;
  uint64_t& bytes = scope.stats->planned_bytes;
  for (const PlannedBlock& block : plan.blocks) bytes += block.line_bytes;
  if (limit == 0 || bytes <= limit) return {};
  return Error::invalid(
      fmt::format("the query would read too many bytes (query: {}, limit: {}); consider adding more specific stream "
                  "selectors or reduce the time range of the query",
                  format_bytes(bytes), format_bytes(limit)));
}

}  // namespace

std::optional<uint32_t> ReadPlan::ordinal(const Stream& stream) const {
  if (places.empty()) return std::nullopt;
  const size_t mask = places.size() - 1;
  for (size_t at = StreamIdHash()(stream.id) & mask; places[at] != kFree; at = (at + 1) & mask) {
    const Stream& known = *streams[places[at]].stream;
    if (&known == &stream || known.same_as(stream)) return places[at];
  }
  return std::nullopt;
}

ReadPlan plan_streams(SnapshotPtr snapshot, TimeRange range, std::span<const StreamPtr> streams,
                      std::vector<BlockSourcePtr> sources) {
  ReadPlan plan;
  plan.snapshot = std::move(snapshot);
  plan.range = range;
  for (const StreamPtr& stream : streams) {
    if (stream->kind != StreamKind::log) continue;
    plan.streams.push_back({stream, stream_hash(stream->labels), {}});
  }
  plan.places.assign(plan.streams.empty() ? 0 : std::bit_ceil(2 * plan.streams.size()), ReadPlan::kFree);
  for (uint32_t ordinal = 0; ordinal < plan.streams.size(); ++ordinal) {
    const size_t mask = plan.places.size() - 1;
    size_t at = StreamIdHash()(plan.streams[ordinal].stream->id) & mask;
    while (plan.places[at] != ReadPlan::kFree) at = (at + 1) & mask;
    plan.places[at] = ordinal;
  }
  if (!plan.streams.empty()) plan_blocks(&plan, std::move(sources));
  return plan;
}

namespace {

/// `question`: null, or what rows must hold.
Result<ReadPlan> plan_blocks_of(const QueryScope& scope, TimeRange range, std::span<const Matcher> matchers,
                                const TextQuestion* question) {
  if (range.empty()) return plan_streams(scope.snapshot, range, {}, {});
  const TenantId& tenant = scope.context->tenant;
  TRY_ASSIGN(const std::vector<StreamPtr> streams, scope.environment->streams->select(tenant, range, matchers));
  TRY(scope.guard->check());
  if (streams.empty()) return plan_streams(scope.snapshot, range, {}, {});
  LocatedBlocks found;
  if (question == nullptr) {
    found.blocks = scope.snapshot->blocks(tenant, range);
  } else {
    found = scope.snapshot->blocks_with_text(tenant, range, *question, &scope.stats->read);
  }
  ReadPlan plan = plan_streams(scope.snapshot, range, streams, std::move(found.blocks));
  TRY(check_bytes(scope, plan));
  scope.stats->streams += plan.streams.size();
  plan.blocks_left_out = found.ruled_out;
  scope.stats->blocks_in_range += plan.blocks.size() + found.ruled_out;
  scope.stats->blocks_ruled_out += found.ruled_out;
  return plan;
}

}  // namespace

Result<ReadPlan> make_read_plan(const QueryScope& scope, TimeRange range, std::span<const Matcher> matchers) {
  return plan_blocks_of(scope, range, matchers, nullptr);
}

Result<ReadPlan> make_read_plan(const QueryScope& scope, TimeRange range, const LogQuery& query) {
  BlockProbes probes = BlockProbes::of(query.stages);
  // Where bytes are limited, those of all lines count, whatever the filters.
  const bool locates = scope.context->limits.max_query_bytes_read == 0;
  const std::optional<TextQuestion> question = locates ? probes.text_question() : std::nullopt;
  TRY_ASSIGN(ReadPlan plan, plan_blocks_of(scope, range, query.matchers, question ? &*question : nullptr));
  plan.probes = std::move(probes);
  if (plan.blocks.empty() || !plan.probes.locates_ids()) return plan;
  IdReads reads;
  for (const PlannedBlock& block : plan.blocks) plan.probes.add_id_reads(*block.source, &reads);
  reads.run(&scope.stats->read);
  return plan;
}

namespace {

/// Whether any block may have rows of matching streams in the range.
bool has_rows(const QueryScope& scope, TimeRange range, std::span<const Matcher> matchers) {
  const auto streams = scope.environment->streams->select(scope.context->tenant, range, matchers);
  if (!streams.ok() || streams->empty()) return false;
  const ReadPlan plan = plan_streams(scope.snapshot, range, *streams, {});
  const auto blocks = scope.snapshot->blocks(scope.context->tenant, range);
  return std::any_of(blocks.begin(), blocks.end(), [&](const BlockSourcePtr& block) {
    const auto& parts = block->info().streams;
    return std::any_of(parts.begin(), parts.end(), [&](const BlockStream& part) {
      return part.rows > 0 && range.overlaps_closed(part.time_min_ns, part.time_max_ns) && plan.ordinal(*part.stream);
    });
  });
}

int64_t before(int64_t time_ns, int64_t span_ns) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  return time_ns < kFirst + span_ns ? kFirst : time_ns - span_ns;
}

}  // namespace

std::string explain_empty(const QueryScope& scope, TimeRange range, std::span<const Matcher> matchers) {
  // Mostly the last day of the range tells.
  const TimeRange last{std::max(range.start_ns, before(range.end_ns, kNsPerDay)), range.end_ns};
  if (has_rows(scope, last, matchers) || (last != range && has_rows(scope, range, matchers)))
    return "lines in range but none passed the filters";
  const TimeRange wide{before(range.start_ns, 7 * kNsPerDay), range.end_ns};
  QueryStats ignored;
  QueryScope quiet = scope;
  quiet.stats = &ignored;
  auto plan = make_read_plan(quiet, wide, matchers);
  if (!plan.ok()) return {};
  if (plan->streams.empty()) return "no stream matches the selector";
  int64_t newest_ns = std::numeric_limits<int64_t>::min();
  for (const PlannedBlock& block : plan->blocks) {
    newest_ns = std::max(newest_ns, block.time_max_ns);
  }
  if (plan->blocks.empty()) return "no line of matching streams in range or the week before";
  return "newest line of matching streams is at " + format_time(newest_ns) + ", older than the range";
}

}  // namespace cordwood::query
