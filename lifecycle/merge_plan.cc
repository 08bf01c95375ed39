// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merge_plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "storage/model/time_range.h"

namespace cordwood::lifecycle {

namespace {

using PartKey = std::pair<TenantId, int32_t>;
using Sources = std::vector<MergeSource>;

bool is_damaged(const BlockInfo& info) {
  return info.streams.empty();
}

struct PartBlocks {
  Sources inside;
  std::vector<uint64_t> outside;  ///< arrival of the first row of blocks that are not merged
};

Result<std::map<PartKey, PartBlocks>> find_blocks(const MergeTarget::State& state,
                                                  const std::set<std::string>& segments, const RowSieve& sieve) {
  std::map<PartKey, PartBlocks> parts;
  std::vector<uint64_t> anything;  // what might hold rows of any tenant and day
  for (const SegmentMeta& meta : state.unreadable) anything.push_back(meta.arrival_min);
  for (const auto& segment : state.segments) {
    const std::string& key = segment->meta().key;
    if (!segments.contains(key)) continue;
    for (const BlockSourcePtr& block : segment->blocks()) {
      const BlockInfo& info = block->info();
      if (is_damaged(info)) return Error::corrupt(key + ": a block's index entry is damaged");
      const BlockSourcePtr left = sieve ? sieve(block) : block;
      if (left->info().rows > 0) parts[{info.tenant, day_of(info.time_min_ns)}].inside.push_back({left, key});
    }
  }
  for (const auto& segment : state.segments) {
    if (segments.contains(segment->meta().key)) continue;
    for (const BlockSourcePtr& block : segment->blocks()) {
      const BlockInfo& info = block->info();
      if (is_damaged(info)) anything.push_back(info.arrival_min);
      const auto part = parts.find({info.tenant, day_of(info.time_min_ns)});
      if (part != parts.end()) part->second.outside.push_back(info.arrival_min);
    }
  }
  for (auto& [key, part] : parts) {
    part.outside.insert(part.outside.end(), anything.begin(), anything.end());
    std::sort(part.outside.begin(), part.outside.end());
    std::stable_sort(part.inside.begin(), part.inside.end(), [](const MergeSource& a, const MergeSource& b) {
      return a.block->info().arrival_min < b.block->info().arrival_min;
    });
  }
  return parts;
}

/// Cuts where a block that stays lies between.  Blocks of equal arrival share no time of a stream; those that stay
/// keep their relation to them if they get no company.
std::vector<Sources> neighbours(const PartBlocks& part) {
  std::vector<Sources> chains;
  for (const MergeSource& source : part.inside) {
    const uint64_t arrival = source.block->info().arrival_min;
    bool cut = chains.empty();
    if (!cut) {
      const uint64_t last = chains.back().back().block->info().arrival_min;
      const auto between = std::lower_bound(part.outside.begin(), part.outside.end(), last);
      cut = last < arrival && between != part.outside.end() && *between <= arrival;
    }
    if (cut) chains.emplace_back();
    chains.back().push_back(source);
  }
  return chains;
}

/// The bins of one chain of blocks.
class BinBuilder {
 public:
  BinBuilder(const Sources& chain, const MergePlanLimits& limits, std::vector<MergeBin>* out)
      : chain_(chain), limits_(limits), out_(out) {}

  void add_all() {
    const std::vector<bool> carried = choose_carried(chain_, limits_.carry, limits_.block);
    for (uint32_t source = 0; source < chain_.size(); ++source) {
      const BlockInfo& info = chain_[source].block->info();
      uint64_t lines = 0;
      for (const BlockStream& s : info.streams) lines += s.line_bytes;
      metadata_bytes_.push_back(info.raw_bytes > lines ? info.raw_bytes - lines : 0);
      if (carried[source]) {
        for (const BlockStream& s : info.streams) families_[s.stream->family].cuts.push_back(info.arrival_min);
        out_->push_back(carried_bin(chain_[source]));
        continue;
      }
      for (uint32_t run = 0; run < info.streams.size(); ++run) {
        const BlockStream& known = info.streams[run];
        Family& family = families_[known.stream->family];
        Rows& rows = family.streams[{known.stream->id, known.stream->label_string}];
        if (rows.stream == nullptr) rows.stream = known.stream;
        rows.runs.push_back({source, run});
        family.rows += known.rows;
        family.bytes += bytes_of(source, known);
      }
    }
    std::vector<const Family*> together;
    uint64_t bytes = 0;
    for (const auto& [hash, family] : families_) {
      if (family.bytes >= limits_.small_family_bytes || !family.cuts.empty()) {
        add_bins({&family});
        continue;
      }
      together.push_back(&family);
      bytes += family.bytes;
      if (bytes < limits_.shared_bytes) continue;
      add_bins(together);
      together.clear();
      bytes = 0;
    }
    if (!together.empty()) add_bins(together);
  }

 private:
  struct Rows {
    StreamPtr stream;
    std::vector<MergeBin::Run> runs;
  };
  using StreamKey = std::pair<StreamId, std::string_view>;
  using RowsOf = std::map<uint32_t, uint64_t>;  ///< by source
  struct Family {
    std::map<StreamKey, Rows> streams;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    std::vector<uint64_t> cuts;  ///< ascending arrivals of carried blocks that have rows of it
  };

  static MergeBin carried_bin(const MergeSource& source) {
    MergeBin bin;
    bin.tenant = source.block->info().tenant;
    bin.sources.push_back(source);
    bin.rows = source.block->info().rows;
    bin.raw_bytes = source.block->info().raw_bytes;
    bin.carried = true;
    return bin;
  }

  /// Lines, and the rows' share of the block's metadata.
  uint64_t bytes_of(uint32_t source, const BlockStream& run) const {
    const uint64_t rows = std::max<uint64_t>(1, chain_[source].block->info().rows);
    return run.line_bytes + metadata_bytes_[source] * run.rows / rows;
  }

  /// One bin, or several that follow each other in arrival when it would hold too many rows.
  void add_bins(const std::vector<const Family*>& families) {
    std::map<StreamKey, const Rows*> streams;
    RowsOf rows_of;
    for (const Family* family : families) {
      for (const auto& [key, rows] : family->streams) {
        streams.emplace(key, &rows);
        for (const MergeBin::Run& run : rows.runs) rows_of[run.source] += info_of(run).rows;
      }
    }
    for (auto begin = rows_of.cbegin(); begin != rows_of.cend();) {
      const auto end = bin_end(rows_of, begin, families.front()->cuts);
      add_bin(streams, begin->first, std::prev(end)->first);
      begin = end;
    }
  }

  /// Only families that are alone have cuts.  Blocks of equal arrival share no time of a stream, and that must hold for
  /// what is made of them: they come into one bin, or when they are too many into bins of nothing else.
  RowsOf::const_iterator bin_end(const RowsOf& rows_of, RowsOf::const_iterator begin,
                                 const std::vector<uint64_t>& cuts) const {
    const auto arrival_changes = [this](RowsOf::const_iterator at) {
      return arrival_of(at->first) != arrival_of(std::prev(at)->first);
    };
    const bool is_rest = begin != rows_of.begin() && !arrival_changes(begin);
    uint64_t rows = begin->second;
    auto last_change = begin;
    for (auto at = std::next(begin); at != rows_of.end(); ++at) {
      if (arrival_changes(at)) last_change = at;
      const auto cut = std::lower_bound(cuts.begin(), cuts.end(), arrival_of(std::prev(at)->first));
      if (cut != cuts.end() && *cut < arrival_of(at->first)) return at;
      if (is_rest && last_change == at) return at;
      rows += at->second;
      if (rows > limits_.bin_rows) return last_change == begin ? at : last_change;
    }
    return rows_of.end();
  }

  void add_bin(const std::map<StreamKey, const Rows*>& streams, uint32_t first, uint32_t last) {
    MergeBin bin;
    bin.tenant = chain_[0].block->info().tenant;
    std::map<uint32_t, uint32_t> numbers;
    for (const auto& [key, rows] : streams) {
      for (const MergeBin::Run& run : rows->runs) {
        if (run.source >= first && run.source <= last) numbers.emplace(run.source, 0);
      }
    }
    for (auto& [source, number] : numbers) {
      number = static_cast<uint32_t>(bin.sources.size());
      bin.sources.push_back(chain_[source]);
    }
    for (const auto& [key, rows] : streams) {
      MergeBin::StreamRuns stream;
      for (const MergeBin::Run& run : rows->runs) {
        if (run.source < first || run.source > last) continue;
        stream.runs.push_back({numbers[run.source], run.run});
        bin.rows += info_of(run).rows;
        bin.raw_bytes += bytes_of(run.source, info_of(run));
      }
      if (stream.runs.empty()) continue;
      stream.stream = rows->stream;
      bin.streams.push_back(std::move(stream));
    }
    const bool whole = bin.sources.size() == 1 && bin.rows == bin.sources[0].block->info().rows;
    out_->push_back(whole && may_be_carried(*bin.sources[0].block, limits_.block) ? carried_bin(bin.sources[0])
                                                                                  : std::move(bin));
  }

  uint64_t arrival_of(uint32_t source) const { return chain_[source].block->info().arrival_min; }
  const BlockStream& info_of(const MergeBin::Run& run) const {
    return chain_[run.source].block->info().streams[run.run];
  }

  const Sources& chain_;
  const MergePlanLimits& limits_;
  std::vector<MergeBin>* out_;
  std::vector<uint64_t> metadata_bytes_;  ///< by source
  std::map<uint64_t, Family> families_;
};

}  // namespace

Result<std::vector<MergeBin>> plan_merge(const MergeTarget::State& state, const std::set<std::string>& segments,
                                         const MergePlanLimits& limits, const RowSieve& sieve) {
  std::vector<MergeBin> bins;
  TRY_ASSIGN(const auto parts, find_blocks(state, segments, sieve));
  for (const auto& [key, part] : parts) {
    for (const Sources& chain : neighbours(part)) BinBuilder(chain, limits, &bins).add_all();
  }
  return bins;
}

}  // namespace cordwood::lifecycle
