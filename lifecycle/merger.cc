// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merger.h"

#include <algorithm>
#include <tuple>

#include "storage/base/niceness.h"
#include "storage/block_carrier.h"
#include "storage/model/time_range.h"
#include "storage/segment_key.h"

namespace cordwood::lifecycle {

namespace {

uint64_t sum_bytes(const std::vector<const Segment*>& segments) {
  uint64_t bytes = 0;
  for (const Segment* segment : segments) bytes += segment->meta().size_bytes;
  return bytes;
}

}  // namespace

Merger::Counters::Counters(Metrics& m)
    : merges(m.counter("cordwood_merges_total", "Groups of segments merged.")),
      rewrites(m.counter("cordwood_merge_rewrites_total", "Segments written anew without rows that had to go.")),
      failures(m.counter("cordwood_merge_failures_total", "Merges given up; their segments stay as they were.")),
      terms_failures(m.counter("cordwood_merge_terms_failures_total",
                               "Merged segments without the Xapian part they should have.")),
      damaged(m.counter("cordwood_merge_damaged_total", "Of these, because a block is damaged.")),
      segments_replaced(m.counter("cordwood_merge_segments_replaced_total", "Segments replaced by merged ones.")),
      rows(m.counter("cordwood_merge_rows_total", "Rows read by merges.")),
      carried(m.counter("cordwood_merge_carried_rows_total", "Of these, rows of blocks that stayed as they were.")),
      duplicates(m.counter("cordwood_merge_duplicate_rows_total", "Rows left out because an equal one came before.")),
      raw_bytes(m.counter("cordwood_merge_raw_bytes_total", "Bytes of lines and metadata merged.")),
      written_bytes(m.counter("cordwood_merge_written_bytes_total", "Bytes of merged segments.")),
      day_tables(m.counter("cordwood_day_id_tables_total", "Common id tables written for days that are over.")),
      day_table_failures(m.counter("cordwood_day_id_table_failures_total", "Common id tables that were given up.")),
      day_table_bytes(m.counter("cordwood_day_id_table_bytes_total", "Bytes of common id tables written.")),
      seconds(m.histogram("cordwood_merge_seconds", "One merge.")) {}

Merger::Merger(MergeOptions options, Environment environment)
    : options_(std::move(options)), env_(environment), counters_(*environment.metrics) {}

void Merger::tick() {
  while (!stop_ && (merge_once() || join_ids_once())) {
  }
}

/// Nothing was published for a while, but by merges.
bool Merger::is_quiet(const MergeTarget::State& state) {
  const int64_t now_ns = env_.clock->monotonic_ns();
  if (state.catalog_version != seen_version_) {
    seen_version_ = state.catalog_version;
    seen_since_ns_ = now_ns;
  }
  return now_ns - seen_since_ns_ >= options_.quiet_after_ns;
}

/// A day is over an hour after its end: what comes later is little.
int32_t Merger::first_open_day() const {
  constexpr int64_t kHourNs = 3'600'000'000'000;
  return day_of(env_.clock->now_ns() - kHourNs);
}

std::vector<MergeCandidate> Merger::candidates(const MergeTarget::State& state) {
  const int64_t now_ns = env_.clock->monotonic_ns();
  std::erase_if(resting_, [now_ns](const auto& entry) { return entry.second <= now_ns; });
  std::vector<MergeCandidate> all;
  all.reserve(state.segments.size() + state.unreadable.size());
  for (const auto& segment : state.segments) {
    const SegmentMeta& meta = segment->meta();
    MergeCandidate c{meta.key, meta.level, meta.size_bytes, meta.arrival_min, meta.arrival_max, false, {}};
    // A segment of another node has numbers of its own for arrival.
    c.fixed = meta.node != state.node || meta.generation >= state.first_unpublished || resting_.contains(meta.key);
    std::set<std::pair<std::string_view, int32_t>> parts;
    for (const BlockSourcePtr& block : segment->blocks()) {
      parts.emplace(block->info().tenant, day_of(block->info().time_min_ns));
      c.fixed = c.fixed || block->info().streams.empty();
    }
    for (const auto& [tenant, day] : parts) c.parts.push_back({TenantId(tenant), day});
    all.push_back(std::move(c));
  }
  for (const SegmentMeta& meta : state.unreadable) {
    all.push_back({meta.key, meta.level, meta.size_bytes, meta.arrival_min, meta.arrival_max, true, {}});
  }
  return all;
}

std::vector<MergeGroup> Merger::due_merges(const MergeTarget::State& state) {
  const bool quiet = is_quiet(state);
  std::vector<MergeGroup> groups =
      choose_merges(candidates(state), options_.policy, quiet, state.arrival_cuts, first_open_day());
  uint64_t due = 0;
  for (const MergeGroup& group : groups) due += group.size();
  behind_ = due > options_.hurry_segments;
  return groups;
}

bool Merger::settled() {
  if (!unsettled_) return true;
  if (env_.clock->monotonic_ns() < settle_at_ns_) return false;
  settle_at_ns_ = env_.clock->monotonic_ns() + options_.retry_after_ns;
  if (!env_.target->settle().ok()) return false;
  unsettled_ = false;
  return true;
}

bool Merger::merge_once() {
  if (!settled()) return false;
  const MergeTarget::State state = env_.target->merge_state();
  const std::vector<MergeGroup> groups = due_merges(state);
  if (groups.empty()) return false;
  std::vector<const Segment*> sources;
  for (const size_t i : groups[0]) sources.push_back(state.segments[i].get());
  if (const Result<void> done = merge_group(state, sources); !done.ok()) {
    rest(sources, done.error());
    return false;
  }
  if (!unsettled_ && seen_version_ == state.catalog_version &&
      env_.target->merge_state().catalog_version == state.catalog_version + 1) {
    ++seen_version_;  // our own change does not end the quiet
  }
  return !unsettled_;
}

Result<void> Merger::merge_segments(const std::vector<std::string>& keys) {
  TRY(env_.target->settle());
  unsettled_ = false;
  const MergeTarget::State state = env_.target->merge_state();
  std::vector<const Segment*> sources;
  for (const auto& segment : state.segments) {
    if (std::find(keys.begin(), keys.end(), segment->meta().key) != keys.end()) sources.push_back(segment.get());
  }
  if (sources.size() != keys.size()) return Error::not_found("a segment that is to be merged is not there");
  return merge_group(state, sources);
}

void Merger::rest(const std::vector<const Segment*>& sources, const Error& error) {
  if (error.kind == ErrorKind::cancelled) return;
  counters_.failures.add();
  const bool damaged = error.kind == ErrorKind::corrupt;
  if (damaged) counters_.damaged.add();
  const int64_t until_ns =
      env_.clock->monotonic_ns() + (damaged ? options_.damaged_retry_after_ns : options_.retry_after_ns);
  for (const Segment* source : sources) {
    if (failed_segment_.empty() || source->meta().key == failed_segment_) resting_[source->meta().key] = until_ns;
  }
  env_.log->warn("segments could not be merged and stay as they are", {{"segments", sources.size()},
                                                                       {"first", sources[0]->meta().key},
                                                                       {"failed", failed_segment_},
                                                                       {"error", error.message}});
}

Result<void> Merger::rewrite(const MergeTarget::State& state, const std::string& key, const RowSieve& sieve) {
  (void)due_merges(state);  // whether it may pause
  for (const auto& segment : state.segments) {
    if (segment->meta().key == key) return merge_group(state, {segment.get()}, sieve);
  }
  return Error::not_found("a segment that is to be written anew is not there");
}

Result<void> Merger::merge_group(const MergeTarget::State& state, const std::vector<const Segment*>& sources,
                                 const RowSieve& sieve) {
  const int64_t start_ns = env_.clock->monotonic_ns();
  const MemoryReservation memory = env_.memory->charge(MemoryShare::sealing, options_.memory_bytes);
  failed_segment_.clear();
  SegmentOrigin origin;
  std::set<std::string> keys;
  uint64_t generation = 0;
  uint64_t rows = 0;
  for (const Segment* source : sources) {
    const SegmentMeta& meta = source->meta();
    keys.insert(meta.key);
    origin.level = std::max(origin.level, sieve ? meta.level : meta.level + 1);
    generation = std::max(generation, meta.generation);
    rows += meta.rows;
  }
  origin.replaces.assign(keys.begin(), keys.end());
  TRY_ASSIGN(const std::vector<MergeBin> bins, plan(state, keys, sieve));
  if (sieve) {
    rows = 0;
    for (const MergeBin& bin : bins) rows += bin.rows;
  }
  Parts parts;
  SpillFile spill(*env_.fs, options_.spill_dir + "/merge.blocks");
  TRY_ASSIGN(const MergeCounts counts, make_blocks(bins, spill, &parts));
  if (counts.rows_read != rows) return Error::corrupt("the segments' blocks do not hold as many rows as they should");
  uint64_t kept = 0;
  for (const auto& [key, part] : parts)
    for (const SpilledBlock& block : part.blocks) kept += block.info.rows;
  CHECK(kept + counts.duplicates == rows, "{} rows and {} duplicates of {} rows", kept, counts.duplicates, rows);
  uint64_t raw_bytes = 0;
  for (const auto& [key, part] : parts) raw_bytes += part.raw_bytes;

  std::vector<SegmentMeta> written;
  if (Result<void> done = write_segments(state, std::move(parts), generation, origin, &written); !done.ok()) {
    remove(written);
    return done;
  }
  const auto replaced = env_.target->replace(written, origin.replaces,
                                             sieve ? std::optional<uint64_t>(state.holds_version) : std::nullopt);
  if (!replaced.ok()) {
    remove(written);
    return replaced.error();
  }
  unsettled_ = *replaced == MergeTarget::Replaced::unsettled;
  settle_at_ns_ = env_.clock->monotonic_ns() + options_.retry_after_ns;
  count(sources, written, counts, raw_bytes, env_.clock->monotonic_ns() - start_ns, sieve != nullptr);
  return {};
}

void Merger::count(const std::vector<const Segment*>& sources, const std::vector<SegmentMeta>& written,
                   const MergeCounts& counts, uint64_t raw_bytes, int64_t spent_ns, bool sieved) {
  uint64_t written_bytes = 0;
  for (const SegmentMeta& meta : written) written_bytes += meta.size_bytes;
  (sieved ? counters_.rewrites : counters_.merges).add();
  counters_.segments_replaced.add(sources.size());
  counters_.rows.add(counts.rows_read);
  counters_.carried.add(counts.carried);
  counters_.duplicates.add(counts.duplicates);
  counters_.raw_bytes.add(raw_bytes);
  counters_.written_bytes.add(written_bytes);
  counters_.seconds.observe_ns(spent_ns);
  env_.log->info(sieved ? "a segment was written anew" : "segments merged",
                 {{"segments", sources.size()},
                  {"into", written.size()},
                  {"level", written.empty() ? 0 : written[0].level},
                  {"blocks", counts.blocks},
                  {"rows", counts.rows_read - counts.duplicates},
                  {"carried_rows", counts.carried},
                  {"duplicates", counts.duplicates},
                  {"raw_bytes", raw_bytes},
                  {"read_bytes", sum_bytes(sources)},
                  {"written_bytes", written_bytes},
                  {"ms", spent_ns / 1'000'000}});
}

Result<std::vector<MergeBin>> Merger::plan(const MergeTarget::State& state, const std::set<std::string>& keys,
                                           const RowSieve& sieve) const {
  MergePlanLimits limits;
  // An eighth for the order of rows (16 bytes each), a quarter for the lines of a block; the rest for the columns of
  // the block being built and of the one being read.
  limits.bin_rows = std::max<uint64_t>(options_.memory_bytes / 8 / 16, 1);
  limits.carry = options_.carry;
  limits.block = block_limits();
  return plan_merge(state, keys, limits, sieve);
}

MergeBlockLimits Merger::block_limits() const {
  MergeBlockLimits limits = options_.block_limits;
  limits.raw_bytes = std::clamp<uint64_t>(options_.memory_bytes / 4, 1, limits.raw_bytes);
  return limits;
}

Result<MergeCounts> Merger::make_blocks(const std::vector<MergeBin>& bins, SpillFile& spill, Parts* parts) {
  const PausesForAnswers pauses(!behind_);
  const auto keep = [&](EncodedBlock block) -> Result<void> {
    Part& part = (*parts)[{block.info.tenant, day_of(block.info.time_min_ns)}];
    part.raw_bytes += block.info.raw_bytes;
    part.stored_bytes += block.info.stored_bytes;
    TRY_ASSIGN(SpilledBlock spilled, spill.write(block));
    part.blocks.push_back(std::move(spilled));
    return {};
  };
  BlockBuilder builder(options_.block);
  BinMerger merger(builder, block_limits(), stop_, keep);
  BlockCarrier carrier;
  MergeCounts sum;
  for (const MergeBin& bin : bins) {
    if (stop_) return Error::cancelled("the merge was stopped");
    if (bin.carried) {
      Result<EncodedBlock> block = carrier.carry(*published_block(*bin.sources[0].block));
      if (!block.ok()) {
        failed_segment_ = bin.sources[0].segment;
        return block.error();
      }
      TRY(keep(std::move(block).value()));
      sum.rows_read += bin.rows;
      sum.carried += bin.rows;
      ++sum.blocks;
      continue;
    }
    const Result<MergeCounts> counts = merger.merge(bin);
    if (!counts.ok()) {
      failed_segment_ = merger.failed_segment();
      return counts.error();
    }
    sum.rows_read += counts->rows_read;
    sum.duplicates += counts->duplicates;
    sum.blocks += counts->blocks;
  }
  return sum;
}

/// A tenant's day gets segments of its own when it is large enough; the others share.
Result<void> Merger::write_segments(const MergeTarget::State& state, Parts parts, uint64_t generation,
                                    const SegmentOrigin& origin, std::vector<SegmentMeta>* written) {
  const PausesForAnswers pauses(!behind_);
  const std::string prefix =
      fmt::format("{}m{:020}-{:06}-", segment_prefix(state.node), state.catalog_version, ++attempts_);
  const auto write = [&](std::vector<SpilledBlock> blocks, uint64_t stored_bytes, bool past) -> Result<void> {
    const uint64_t most = past ? options_.policy.day_bytes() : options_.policy.segment_bytes;
    std::stable_sort(blocks.begin(), blocks.end(), [](const SpilledBlock& a, const SpilledBlock& b) {
      const auto key = [](const SpilledBlock& block) {
        return std::tuple(std::string_view(block.info.tenant), day_of(block.info.time_min_ns),
                          block.info.streams.front().stream->family, block.info.arrival_min);
      };
      return key(a) < key(b);
    });
    const uint64_t size = std::max<uint64_t>(most, 1);
    const uint64_t pieces = std::max<uint64_t>(1, (stored_bytes + size / 2) / size);
    for (size_t begin = 0, end = 0; begin < blocks.size(); begin = end) {
      if (stop_) return Error::cancelled("the merge was stopped");
      uint64_t bytes = 0;
      for (; end < blocks.size() && (end == begin || bytes < stored_bytes / pieces); ++end) {
        bytes += blocks[end].info.stored_bytes;
      }
      const std::vector<SpilledBlock> piece(blocks.begin() + static_cast<ptrdiff_t>(begin),
                                            blocks.begin() + static_cast<ptrdiff_t>(end));
      const std::string key = fmt::format("{}{:04}.seg", prefix, written->size());
      SegmentOrigin with_terms = origin;
      with_terms.terms = make_terms(piece);
      with_terms.is_past = past;
      TRY_ASSIGN(SegmentMeta meta, write_segment(*env_.store, key, state.node, generation, piece, with_terms));
      written->push_back(std::move(meta));
    }
    return {};
  };
  Part shared;
  for (auto& [key, part] : parts) {
    if (part.raw_bytes >= options_.own_segment_bytes) {
      TRY(write(std::move(part.blocks), part.stored_bytes, key.second < first_open_day()));
      continue;
    }
    shared.stored_bytes += part.stored_bytes;
    std::move(part.blocks.begin(), part.blocks.end(), std::back_inserter(shared.blocks));
  }
  return write(std::move(shared.blocks), shared.stored_bytes, false);
}

/// A segment without it is found no less, only slower: what goes wrong here does not stop the merge.
std::string Merger::make_terms(const std::vector<SpilledBlock>& blocks) {
  if (env_.terms == nullptr) return {};
  Result<std::string> terms = env_.terms->build(blocks);
  if (terms.ok()) return std::move(terms).value();
  counters_.terms_failures.add();
  env_.log->warn("a merged segment gets no Xapian part", {{"error", terms.error().message}});
  return {};
}

/// No manifest names them; what cannot be removed now is an orphan and goes at the next start.
void Merger::remove(const std::vector<SegmentMeta>& written) {
  for (const SegmentMeta& meta : written) (void)env_.store->remove(meta.key);
}

}  // namespace cordwood::lifecycle
