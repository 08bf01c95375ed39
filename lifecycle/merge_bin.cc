// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merge_bin.h"

#include <algorithm>
#include <unordered_map>

#include "storage/base/arena.h"

namespace cordwood::lifecycle {

namespace {

/// Where a row comes from.
struct RowPlace {
  int64_t time_ns = 0;
  uint32_t source = 0;
  uint32_t row = 0;
};

bool before(const RowPlace& a, const RowPlace& b) {
  if (a.time_ns != b.time_ns) return a.time_ns < b.time_ns;
  return a.source != b.source ? a.source < b.source : a.row < b.row;
}

struct Hash128Hash {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};

bool same_row(const BlockInputRow& a, const BlockInputRow& b) {
  const auto sent = [](const BlockInputRow& r) { return r.metadata.first(r.metadata.size() - r.derived_count); };
  return a.line == b.line && std::ranges::equal(sent(a), sent(b));
}

Hash128 identity_of(const BlockInputRow& row, std::string* scratch) {
  scratch->assign(row.line);
  const auto add_size = [scratch](uint64_t size) {
    scratch->append(reinterpret_cast<const char*>(&size), sizeof(size));
  };
  add_size(row.line.size());
  for (const MetadataPair& pair : row.metadata.first(row.metadata.size() - row.derived_count)) {
    for (const std::string_view part : {pair.name, pair.value}) {
      scratch->append(part);
      add_size(part.size());
    }
  }
  return xxh3_128(*scratch);
}

/// Rows of one block to be, with their bytes.
struct GatheredRows {
  Arena arena{1 << 20};
  std::vector<BlockInputRow> rows;
  std::vector<MetadataPair> pairs;
  std::vector<size_t> pair_begins;    ///< by row
  std::vector<uint32_t> pair_counts;  ///< by row
  uint64_t bytes = 0;
};

}  // namespace

struct BinMerger::Impl {
  Impl(BlockBuilder& b, MergeBlockLimits l, const std::atomic<bool>& s, Sink k)
      : builder(b), limits(l), stop(s), sink(std::move(k)) {}

  Result<void> load_order();
  Result<void> load_source(uint32_t source, std::vector<size_t>* next);
  bool starts_time(size_t at) const;
  size_t boundary_near(size_t begin, size_t end) const;
  Result<void> emit(size_t begin, size_t end);
  Result<bool> gather(size_t begin, size_t end, bool bounded, GatheredRows* out);
  Result<void> gather_source(uint32_t source, size_t begin, std::span<const uint32_t> places, uint64_t limit,
                             GatheredRows* out);
  void fold(size_t begin, GatheredRows* rows);
  Result<void> build(size_t begin, size_t end, const GatheredRows& rows);
  Result<void> emit_all();
  uint32_t stream_of(size_t at) const {
    const auto after = std::upper_bound(stream_begins.begin(), stream_begins.end(), at);
    return static_cast<uint32_t>(after - stream_begins.begin() - 1);
  }

  BlockBuilder& builder;
  const MergeBlockLimits limits;
  const std::atomic<bool>& stop;
  const Sink sink;

  /// A run of a source, seen from the source.
  struct SourceRun {
    uint32_t stream = 0;
    uint32_t run = 0;
  };

  const MergeBin* bin = nullptr;
  std::vector<RowPlace> order;                  ///< by (stream, time, arrival)
  std::vector<size_t> stream_begins;            ///< by stream, and the end
  std::vector<std::vector<SourceRun>> runs_of;  ///< by source
  MergeCounts counts;
  std::string failed;
  ReadStats stats;

  // Rows of the time that the last block ended with; the next may begin with more of them.
  static constexpr uint32_t kEarlierBlock = UINT32_MAX;
  std::unordered_multimap<Hash128, uint32_t, Hash128Hash> seen;  ///< to the row of this block
};

/// Times of one source into the order.
Result<void> BinMerger::Impl::load_source(uint32_t source, std::vector<size_t>* next) {
  const BlockInfo& info = bin->sources[source].block->info();
  TRY_ASSIGN(const std::unique_ptr<BlockView> view, bin->sources[source].block->open(&stats));
  TRY_ASSIGN(const std::span<const int64_t> times, view->times());
  if (times.size() != info.rows) return Error::corrupt("a block has not as many times as rows");
  std::vector<uint32_t> begins;
  uint32_t begin = 0;
  for (const BlockStream& s : info.streams) {
    begins.push_back(begin);
    begin += s.rows;
  }
  if (begin != info.rows) return Error::corrupt("a block's runs are not its rows");
  for (const SourceRun& run : runs_of[source]) {
    const uint32_t first = begins[run.run];
    for (uint32_t i = first; i < first + info.streams[run.run].rows; ++i) {
      order[(*next)[run.stream]++] = {times[i], source, i};
    }
  }
  return {};
}

Result<void> BinMerger::Impl::load_order() {
  stream_begins.assign(1, 0);
  runs_of.assign(bin->sources.size(), {});
  std::vector<size_t> next;
  for (uint32_t s = 0; s < bin->streams.size(); ++s) {
    size_t rows = 0;
    for (const MergeBin::Run& run : bin->streams[s].runs) {
      rows += bin->sources[run.source].block->info().streams[run.run].rows;
      runs_of[run.source].push_back({s, run.run});
    }
    next.push_back(stream_begins.back());
    stream_begins.push_back(stream_begins.back() + rows);
  }
  order.resize(stream_begins.back());
  for (uint32_t source = 0; source < bin->sources.size(); ++source) {
    if (const Result<void> loaded = load_source(source, &next); !loaded.ok()) {
      failed = bin->sources[source].segment;
      return loaded;
    }
  }
  for (size_t s = 0; s + 1 < stream_begins.size(); ++s) {
    const auto begin = order.begin() + static_cast<ptrdiff_t>(stream_begins[s]);
    const auto end = order.begin() + static_cast<ptrdiff_t>(stream_begins[s + 1]);
    if (!std::is_sorted(begin, end, before)) std::sort(begin, end, before);
  }
  counts.rows_read = order.size();
  return {};
}

/// Whether a block may begin here without sharing a (stream, time) with the one before.
bool BinMerger::Impl::starts_time(size_t at) const {
  return order[at].time_ns != order[at - 1].time_ns ||
         std::binary_search(stream_begins.begin(), stream_begins.end(), at);
}

/// Somewhere in the middle of (begin, end) where it can be cut, or `end`.
size_t BinMerger::Impl::boundary_near(size_t begin, size_t end) const {
  const size_t middle = begin + (end - begin) / 2;
  for (size_t at = middle; at < end; ++at)
    if (at > begin && starts_time(at)) return at;
  for (size_t at = middle; at > begin; --at)
    if (starts_time(at)) return at;
  for (size_t at = middle; at < end; ++at)
    if (at > begin && order[at].source != order[at - 1].source) return at;
  for (size_t at = middle; at > begin; --at)
    if (order[at].source != order[at - 1].source) return at;
  return end;
}

Result<void> BinMerger::Impl::gather_source(uint32_t source, size_t begin, std::span<const uint32_t> places,
                                            uint64_t limit, GatheredRows* out) {
  TRY_ASSIGN(const std::unique_ptr<BlockView> view, bin->sources[source].block->open(&stats));
  std::string scratch;
  for (const uint32_t place : places) {
    const RowPlace& from = order[begin + place];
    BlockInputRow& row = out->rows[place];
    row.time_ns = from.time_ns;
    TRY_ASSIGN(const std::string_view line, view->line(from.row, &scratch));
    row.line = out->arena.copy(line);
    out->bytes += line.size();
    const size_t pairs = out->pairs.size();
    out->pair_begins[place] = pairs;
    TRY(view->metadata(from.row, &out->pairs));
    TRY_ASSIGN(const uint32_t derived, view->derived_metadata_count(from.row));
    const size_t count = out->pairs.size() - pairs;
    if (derived > count || count > UINT16_MAX) return Error::corrupt("a row has more metadata than it can have");
    row.derived_count = static_cast<uint16_t>(derived);
    for (size_t i = pairs; i < out->pairs.size(); ++i) {
      MetadataPair& pair = out->pairs[i];
      out->bytes += pair.name.size() + pair.value.size();
      pair = {out->arena.copy(pair.name), out->arena.copy(pair.value)};
    }
    out->pair_counts[place] = static_cast<uint32_t>(count);
    if (out->bytes > limit) return {};
  }
  return {};
}

/// False when `bounded` and the rows are more bytes than a block may have.
Result<bool> BinMerger::Impl::gather(size_t begin, size_t end, bool bounded, GatheredRows* out) {
  const size_t rows = end - begin;
  const uint64_t limit = bounded ? 2 * limits.raw_bytes : UINT64_MAX;
  out->rows.resize(rows);
  out->pair_begins.resize(rows);
  out->pair_counts.resize(rows);
  std::vector<uint32_t> ends(bin->sources.size() + 1, 0);
  for (size_t i = begin; i < end; ++i) ++ends[order[i].source + 1];
  for (size_t s = 1; s < ends.size(); ++s) ends[s] += ends[s - 1];
  std::vector<uint32_t> places(rows);
  std::vector<uint32_t> next(ends.begin(), ends.end() - 1);
  for (size_t i = begin; i < end; ++i) places[next[order[i].source]++] = static_cast<uint32_t>(i - begin);
  for (uint32_t source = 0; source < bin->sources.size(); ++source) {
    if (ends[source] == ends[source + 1]) continue;
    if (stop) return Error::cancelled("the merge was stopped");
    const std::span<const uint32_t> of_source(places.data() + ends[source], ends[source + 1] - ends[source]);
    if (const Result<void> done = gather_source(source, begin, of_source, limit, out); !done.ok()) {
      failed = bin->sources[source].segment;
      return done.error();
    }
    if (out->bytes > limit) return false;
  }
  const uint32_t first_stream = stream_of(begin);
  uint32_t stream = first_stream;
  for (size_t i = 0; i < rows; ++i) {
    while (begin + i >= stream_begins[stream + 1]) ++stream;
    BlockInputRow& row = out->rows[i];
    row.metadata = {out->pairs.data() + out->pair_begins[i], out->pair_counts[i]};
    row.stream = stream - first_stream;
  }
  return true;
}

/// Leaves the first of equal rows.  Only rows that share stream and time are compared: by hash, then by bytes.
void BinMerger::Impl::fold(size_t begin, GatheredRows* gathered) {
  std::vector<BlockInputRow>& rows = gathered->rows;
  const auto shares = [&rows](size_t a, size_t b) {
    return rows[a].time_ns == rows[b].time_ns && rows[a].stream == rows[b].stream;
  };
  std::string scratch;
  size_t kept = 0;
  for (size_t i = 0, end = 0; i < rows.size(); i = end) {
    for (end = i + 1; end < rows.size() && shares(i, end);) ++end;
    const bool goes_on = i == 0 && begin > 0 && !starts_time(begin);
    // The next block may go on with the last rows.
    if (end == i + 1 && end < rows.size() && !goes_on) {
      rows[kept++] = rows[i];
      continue;
    }
    if (!goes_on) seen.clear();
    for (auto& [hash, row] : seen) row = kEarlierBlock;
    for (size_t at = i; at < end; ++at) {
      const BlockInputRow row = rows[at];
      const Hash128 hash = identity_of(row, &scratch);
      const auto [first, last] = seen.equal_range(hash);
      const bool copy = std::any_of(first, last, [&](const auto& entry) {
        return entry.second == kEarlierBlock || same_row(rows[entry.second], row);
      });
      if (copy) continue;
      seen.emplace(hash, static_cast<uint32_t>(kept));
      rows[kept++] = row;
    }
  }
  counts.duplicates += rows.size() - kept;
  rows.resize(kept);
}

Result<void> BinMerger::Impl::build(size_t begin, size_t end, const GatheredRows& gathered) {
  BlockInput input;
  input.tenant = bin->tenant;
  // Where a block goes on with a time that another block has begun, its place in the order of arrival tells them
  // apart; elsewhere they have no time of a stream in common.
  const bool goes_on = begin > 0 && !starts_time(begin);
  const size_t first_source = goes_on ? order[begin].source : 0;
  input.arrival_min = bin->sources[first_source].block->info().arrival_min;
  for (const MergeSource& source : bin->sources)
    input.arrival_max = std::max(input.arrival_max, source.block->info().arrival_max);
  const uint32_t first_stream = stream_of(begin);
  const uint32_t last_stream = stream_of(end - 1);
  for (uint32_t s = first_stream; s <= last_stream; ++s) input.streams.push_back(bin->streams[s].stream);
  input.rows = gathered.rows;
  EncodedBlock block = builder.build(input);
  CHECK(block.info.rows == input.rows.size(), "a block of {} rows was built from {}", block.info.rows,
        input.rows.size());
  ++counts.blocks;
  return sink(std::move(block));
}

Result<void> BinMerger::Impl::emit(size_t begin, size_t end) {
  const size_t middle = boundary_near(begin, end);
  {
    GatheredRows rows;
    TRY_ASSIGN(const bool fits, gather(begin, end, /*bounded=*/middle < end, &rows));
    if (fits) {
      fold(begin, &rows);
      return rows.rows.empty() ? Result<void>() : build(begin, end, rows);
    }
  }
  TRY(emit(begin, middle));
  return emit(middle, end);
}

/// Cuts the rows into blocks of about the same size, where the time changes if that can be.
Result<void> BinMerger::Impl::emit_all() {
  const uint64_t by_rows = (order.size() + limits.rows - 1) / limits.rows;
  const uint64_t by_bytes = (bin->raw_bytes + limits.raw_bytes - 1) / limits.raw_bytes;
  const uint64_t blocks = std::max<uint64_t>({by_rows, by_bytes, 1});
  const size_t target = (order.size() + blocks - 1) / blocks;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = std::min(begin + target, order.size());
    while (end < order.size() && !starts_time(end)) {
      if (end - begin >= target + limits.rows && order[end].source != order[end - 1].source) break;
      ++end;
    }
    TRY(emit(begin, end));
    begin = end;
  }
  return {};
}

BinMerger::BinMerger(BlockBuilder& builder, MergeBlockLimits limits, const std::atomic<bool>& stop, Sink sink)
    : impl_(std::make_unique<Impl>(builder, limits, stop, std::move(sink))) {}
BinMerger::~BinMerger() = default;

Result<MergeCounts> BinMerger::merge(const MergeBin& bin) {
  impl_->bin = &bin;
  impl_->counts = {};
  impl_->failed.clear();
  impl_->seen.clear();
  TRY(impl_->load_order());
  TRY(impl_->emit_all());
  return impl_->counts;
}

const std::string& BinMerger::failed_segment() const {
  return impl_->failed;
}

}  // namespace cordwood::lifecycle
