// SPDX-License-Identifier: Apache-2.0
#include "query/trace_lookup.h"

#include <algorithm>
#include <set>

#include "storage/id_reads.h"

namespace cordwood::query {

namespace {

constexpr std::string_view kLevel = "detected_level";
constexpr std::string_view kService = "service_name";
/// With more spellings than this a search for the ends they share costs less than one for each.
constexpr size_t kMaxTexts = 2;

void add_unique(const std::string& text, std::vector<std::string>* out) {
  if (std::find(out->begin(), out->end(), text) == out->end()) out->push_back(text);
}

}  // namespace

uint64_t memory_bytes(const TraceLine& line) {
  uint64_t bytes = sizeof(line) + line.line.size();
  for (const auto& [name, value] : line.metadata) {
    bytes += sizeof(LabelPairs::value_type) + name.size() + value.size();
  }
  return bytes;
}

Result<TraceLine> read_trace_line(const QueryScope& scope, BlockView& view, uint32_t row, int64_t time_ns,
                                  StreamPtr stream) {
  TraceLine out;
  out.time_ns = time_ns;
  out.stream = std::move(stream);
  std::string scratch;
  TRY_ASSIGN(const std::string_view line, view.line(row, &scratch));
  out.line = line;
  std::vector<MetadataPair> pairs;
  TRY(view.metadata(row, &pairs));
  for (const MetadataPair& pair : pairs) out.metadata.emplace_back(pair.name, pair.value);
  std::sort(out.metadata.begin(), out.metadata.end());
  TRY(scope.memory->add(memory_bytes(out)));
  return out;
}

void count_trace_line(const TraceLine& line, TraceAnswer* answer) {
  const bool first = answer->services.empty();
  answer->start_ns = first ? line.time_ns : std::min(answer->start_ns, line.time_ns);
  answer->end_ns = first ? line.time_ns : std::max(answer->end_ns, line.time_ns);
  std::string_view service = line.stream->labels.get(kService);
  TraceService& counts = answer->services[std::string(service.empty() ? "unknown_service" : service)];
  ++counts.lines;
  const auto level =
      std::find_if(line.metadata.begin(), line.metadata.end(), [](const auto& pair) { return pair.first == kLevel; });
  ++counts.levels[level == line.metadata.end() ? "unknown" : level->second];
}

TraceLookup::TraceLookup(const QueryScope& scope, TraceMatcher* matcher, uint64_t limit)
    : scope_(scope), matcher_(matcher), limit_(limit), spellings_(trace_spellings(matcher->id())) {}

bool TraceLookup::before(const Place& a, const Place& b) {
  if (a.time_ns != b.time_ns) return a.time_ns < b.time_ns;
  if (a.stream != b.stream && a.stream->label_string != b.stream->label_string) {
    return a.stream->label_string < b.stream->label_string;
  }
  return a.arrival != b.arrival ? a.arrival < b.arrival : a.row < b.row;
}

bool TraceLookup::stream_belongs(const StreamPtr& stream) {
  const auto [at, is_new] = streams_.try_emplace(stream, false);
  if (is_new) at->second = stream->kind == StreamKind::log && matcher_->labels_match(stream->labels);
  return at->second;
}

Result<std::vector<std::string>> TraceLookup::needles(const BlockSource& source) const {
  std::vector<const TraceSpelling*> held;
  for (const TraceSpelling& spelling : spellings_) {
    TRY_ASSIGN(const bool may, source.may_hold(spelling.probe, &scope_.stats->read));
    if (may) held.push_back(&spelling);
  }
  std::vector<std::string> out;
  for (const TraceSpelling* spelling : held) {
    add_unique(held.size() <= kMaxTexts ? spelling->text : spelling->ending, &out);
  }
  return out;
}

Result<RowBits> TraceLookup::candidates(BlockView& view, const std::vector<std::string>& needles) {
  RowBits out(view.row_count());
  for (const std::string& needle : needles) {
    for (const TextPlace place : {TextPlace::line, TextPlace::metadata}) {
      TRY_ASSIGN(const RowBits rows, view.rows_with_text(needle, place));
      for (uint32_t row = rows.next(0); row < rows.rows(); row = rows.next(row + 1)) out.set(row);
    }
  }
  return out;
}

Result<void> TraceLookup::run(TimeRange range) {
  TextQuestion::Clause clause;
  for (const TraceSpelling& spelling : spellings_) clause.any_of.push_back(&spelling.probe);
  clause.but_all_of = [this](const StreamPtr& stream) { return stream_belongs(stream); };
  auto [blocks, ruled_out] =
      scope_.snapshot->blocks_with_text(scope_.context->tenant, range, {{std::move(clause)}}, &scope_.stats->read);
  scope_.stats->blocks_in_range += blocks.size() + ruled_out;
  scope_.stats->blocks_ruled_out += ruled_out;
  // Of two copies the earlier one stays.
  std::stable_sort(blocks.begin(), blocks.end(), [](const BlockSourcePtr& a, const BlockSourcePtr& b) {
    return a->info().arrival_min < b->info().arrival_min;
  });
  IdReads reads;
  for (const BlockSourcePtr& block : blocks)
    for (const TraceSpelling& spelling : spellings_) block->add_id_reads(spelling.probe, &reads);
  reads.run(&scope_.stats->read);
  for (const BlockSourcePtr& block : blocks) {
    TRY(scope_.guard->check());
    auto scanned = scan_block(*block, range);
    if (!scanned.ok() && !skip_damaged(scope_, scanned.error())) return scanned;
  }
  return {};
}

Result<void> TraceLookup::scan_block(const BlockSource& source, TimeRange range) {
  const auto& parts = source.info().streams;
  bool whole_stream = false;
  for (const BlockStream& part : parts) whole_stream = stream_belongs(part.stream) || whole_stream;
  TRY_ASSIGN(const std::vector<std::string> texts, needles(source));
  if (texts.empty() && !whole_stream) return {};
  TRY_ASSIGN(const auto view, source.open(&scope_.stats->read));
  TRY_ASSIGN(const RowBits rows, candidates(*view, texts));
  if (rows.none() && !whole_stream) return {};
  TRY_ASSIGN(const auto times, view->times());
  for (const StreamRun& run : view->runs()) {
    if (!range.overlaps_closed(run.time_min_ns, run.time_max_ns)) continue;
    TRY(scan_run(source, *view, run, times, range, rows));
  }
  return {};
}

Result<void> TraceLookup::scan_run(const BlockSource& source, BlockView& view, const StreamRun& run,
                                   std::span<const int64_t> times, TimeRange range, const RowBits& candidates) {
  const StreamPtr& stream = view.stream(run.stream);
  if (stream->kind != StreamKind::log) return {};
  const bool all = stream_belongs(stream);
  const auto next = [&](uint32_t row) { return all ? row : candidates.next(row); };
  for (uint32_t row = next(run.row_begin); row < run.row_end; row = next(row + 1)) {
    if (scope_.stats->lines_processed++ % kRowsPerCheck == 0) TRY(scope_.guard->check());
    if (!range.contains(times[row])) continue;
    bool belongs = all;
    if (!all) {
      TRY_ASSIGN(belongs, row_belongs(view, row));
    }
    if (belongs) TRY(take(source, view, stream, row, times[row]));
  }
  return {};
}

Result<bool> TraceLookup::row_belongs(BlockView& view, uint32_t row) {
  pairs_.clear();
  TRY(view.metadata(row, &pairs_));
  if (matcher_->metadata_matches(pairs_)) return true;
  TRY_ASSIGN(const std::string_view line, view.line(row, &scratch_));
  scope_.stats->bytes_processed += line.size();
  return matcher_->line_matches(line);
}

Result<void> TraceLookup::take(const BlockSource& source, BlockView& view, const StreamPtr& stream, uint32_t row,
                               int64_t time_ns) {
  constexpr uint64_t kSeenBytes = 96;
  TRY_ASSIGN(const Hash128 identity, row_identity(view, row));
  if (!seen_.insert({stream->id, time_ns, identity}).second) {
    ++scope_.stats->duplicates;
    return {};
  }
  TRY(scope_.memory->add(kSeenBytes));
  TRY_ASSIGN(TraceLine line, read_trace_line(scope_, view, row, time_ns, stream));
  ++scope_.stats->post_filter_lines;
  count_trace_line(line, &counts_);
  const auto [part, is_new] = parts_.try_emplace(stream->label_string, Part{stream, time_ns, time_ns});
  part->second.first_ns = std::min(part->second.first_ns, time_ns);
  part->second.last_ns = std::max(part->second.last_ns, time_ns);

  const Place place{time_ns, stream.get(), source.info().arrival_min, row};
  const auto order = [](const Kept& a, const Kept& b) { return before(a.place, b.place); };
  if (kept_.size() == limit_ && (limit_ == 0 || !before(place, kept_.front().place))) {
    scope_.memory->release(memory_bytes(line));
    return {};
  }
  kept_.push_back({place, std::move(line)});
  std::push_heap(kept_.begin(), kept_.end(), order);
  if (kept_.size() <= limit_) return {};
  std::pop_heap(kept_.begin(), kept_.end(), order);
  scope_.memory->release(memory_bytes(kept_.back().line));
  kept_.pop_back();
  return {};
}

void TraceLookup::finish(TraceAnswer* answer) && {
  std::sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) { return before(a.place, b.place); });
  answer->trace_id = matcher_->id().hex();
  answer->start_ns = counts_.start_ns;
  answer->end_ns = counts_.end_ns;
  answer->services = std::move(counts_.services);
  answer->lines.reserve(kept_.size());
  for (Kept& kept : kept_) answer->lines.push_back(std::move(kept.line));
  scope_.stats->entries_returned = answer->lines.size();
}

}  // namespace cordwood::query
