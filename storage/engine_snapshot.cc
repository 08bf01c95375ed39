// SPDX-License-Identifier: Apache-2.0
#include "storage/engine_snapshot.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <unordered_set>

#include "storage/head_source.h"
#include "storage/id_reads.h"
#include "storage/model/time_range.h"
#include "storage/segment_index.h"

namespace cordwood {

PublishedSegment::PublishedSegment(std::shared_ptr<const Segment> opened, MemoryAccountant& memory)
    : segment(std::move(opened)), reservation(memory.charge(MemoryShare::catalog, segment->memory_bytes())) {
  for (const BlockSourcePtr& block : segment->blocks()) blocks_by_tenant[block->info().tenant].push_back(block);
}

const std::vector<BlockSourcePtr>* PublishedSegment::blocks_in(const TenantId& tenant, TimeRange range) const {
  const SegmentMeta& meta = segment->meta();
  if (!range.overlaps_closed(meta.time_min_ns, meta.time_max_ns)) return nullptr;
  const auto it = blocks_by_tenant.find(tenant);
  return it != blocks_by_tenant.end() ? &it->second : nullptr;
}

namespace {

bool overlaps(const BlockInfo& info, TimeRange range) {
  return range.overlaps_closed(info.time_min_ns, info.time_max_ns);
}

using Clauses = std::vector<const TextQuestion::Clause*>;
constexpr size_t kTrials = 4;  ///< segments that are asked in any case
constexpr size_t kAhead = 16;  ///< segments whose id tables a disk may look for at once

/// Those that the segment's index can be asked, which spares a look at its blocks.
Clauses clauses_for(const Segment& segment, const TextQuestion& question) {
  const auto index = segment.index();
  if (index == nullptr || index->block_count() != segment.blocks().size()) return {};
  const auto& streams = segment.streams();
  Clauses out;
  for (const TextQuestion::Clause& clause : question.all_of) {
    if (clause.but_all_of == nullptr || std::none_of(streams.begin(), streams.end(), clause.but_all_of))
      out.push_back(&clause);
  }
  return out;
}

RowBits locate(const SegmentIndex& index, const Clauses& clauses, ReadStats* stats) {
  RowBits blocks(index.block_count());
  blocks.set_all();
  for (const TextQuestion::Clause* clause : clauses) {
    if (blocks.none()) break;
    blocks.keep(index.locate_blocks(clause->any_of, stats));
  }
  return blocks;
}

using Asked = std::pair<const PublishedSegment*, Clauses>;

/// So that they wait for the disk together, not one after the other.
void will_locate(std::span<const Asked> asked) {
  if (asked.size() < 2) return;
  for (const auto& [published, clauses] : asked) {
    for (const TextQuestion::Clause* clause : clauses) published->segment->index()->will_locate(clause->any_of);
  }
}

/// Blocks of a tenant in the range; the segment has some.
uint64_t count_in(const PublishedSegment& published, const TenantId& tenant, TimeRange range) {
  const auto& blocks = *published.blocks_in(tenant, range);
  const SegmentMeta& meta = published.segment->meta();
  if (range.contains(meta.time_min_ns) && range.contains(meta.time_max_ns)) return blocks.size();
  return static_cast<uint64_t>(std::count_if(blocks.begin(), blocks.end(),
                                             [range](const auto& block) { return overlaps(block->info(), range); }));
}

void add_reads(const Segment& segment, const Clauses& clauses, IdReads* reads) {
  const auto index = segment.index();
  if (!index->is_far()) return;
  for (uint32_t block = 0; block < index->block_count(); ++block) {
    for (const TextQuestion::Clause* clause : clauses)
      for (const TextProbe* probe : clause->any_of) reads->add(index, block, *probe);
  }
}

class SnapshotImpl final : public Snapshot {
 public:
  explicit SnapshotImpl(SnapshotParts parts) : parts_(std::move(parts)) {}

  std::vector<BlockSourcePtr> blocks(const TenantId& tenant, TimeRange range) const override {
    std::vector<BlockSourcePtr> found;
    const std::shared_ptr<const TenantVeil> veil = parts_.veils == nullptr ? nullptr : parts_.veils->of(tenant);
    const auto add = [&](const BlockSourcePtr& block) {
      if (overlaps(block->info(), range)) found.push_back(veil == nullptr ? block : veil->over(block));
    };
    for (const auto& published : *parts_.published) {
      const auto blocks = published->blocks_in(tenant, range);
      if (blocks == nullptr) continue;
      for (const BlockSourcePtr& block : *blocks) add(block);
    }
    add_unpublished(tenant, add);
    return found;
  }

  LocatedBlocks blocks_with_text(const TenantId& tenant, TimeRange range, const TextQuestion& question,
                                 ReadStats* stats) const override {
    LocatedBlocks out;
    const std::shared_ptr<const TenantVeil> veil = parts_.veils == nullptr ? nullptr : parts_.veils->of(tenant);
    const auto add = [&](const BlockSourcePtr& block) {
      if (overlaps(block->info(), range)) out.blocks.push_back(veil == nullptr ? block : veil->over(block));
    };
    std::vector<Asked> asked;
    IdReads reads;
    for (const auto& published : *parts_.published) {
      const auto blocks = published->blocks_in(tenant, range);
      if (blocks == nullptr) continue;
      if (Clauses clauses = clauses_for(*published->segment, question); !clauses.empty()) {
        add_reads(*published->segment, clauses, &reads);
        asked.emplace_back(published.get(), std::move(clauses));
      } else {
        for (const BlockSourcePtr& block : *blocks) add(block);
      }
    }
    reads.run(stats);
    // The newest first: what most of their blocks hold is hardly worth a question to all others.
    std::sort(asked.begin(), asked.end(), [](const auto& a, const auto& b) {
      return a.first->segment->meta().time_max_ns > b.first->segment->meta().time_max_ns;
    });
    uint64_t located = 0;
    size_t announced = 0;
    for (size_t i = 0; i < asked.size(); ++i) {
      const auto& [published, clauses] = asked[i];
      if (i >= kTrials && out.ruled_out < located) {
        for (const BlockSourcePtr& block : *published->blocks_in(tenant, range)) add(block);
        continue;
      }
      if (i == announced) {
        announced = std::min(i + (i == 0 ? kTrials : kAhead), asked.size());
        will_locate(std::span(asked).subspan(i, announced - i));
      }
      const size_t before = out.blocks.size();
      const auto& all = published->segment->blocks();
      const RowBits found = locate(*published->segment->index(), clauses, stats);
      for (uint32_t number = found.next(0); number < found.rows(); number = found.next(number + 1)) {
        if (all[number]->info().tenant == tenant) add(all[number]);
      }
      const size_t of_these = out.blocks.size() - before;
      located += of_these;
      out.ruled_out += count_in(*published, tenant, range) - of_these;
    }
    add_unpublished(tenant, add);
    return out;
  }

  std::vector<StreamPtr> published_streams(const TenantId& tenant, int32_t day) const override {
    StreamSet streams;
    add_published(tenant, day, &streams);
    return {streams.begin(), streams.end()};
  }

  std::vector<StreamPtr> published_streams_of(int32_t day) const override {
    StreamSet streams;
    for (const auto& published : *parts_.published) {
      if (!has_day(*published, day)) continue;
      for (const auto& [tenant, blocks] : published->blocks_by_tenant) add_day(blocks, day, &streams);
    }
    return {streams.begin(), streams.end()};
  }

  std::vector<StreamPtr> all_streams(const TenantId& tenant, int32_t day) const override {
    StreamSet streams;
    add_published(tenant, day, &streams);
    const auto add = [&](const BlockSourcePtr& block) {
      if (block->info().tenant == tenant && day_of(block->info().time_min_ns) == day) add_streams(*block, &streams);
    };
    for (const BlockSourcePtr& block : parts_.sealed) add(block);
    for (const BlockSourcePtr& block : head_sources(tenant)) add(block);
    return {streams.begin(), streams.end()};
  }

  std::vector<TenantDay> published_days() const override {
    std::set<std::pair<TenantId, int32_t>> days;
    for (const auto& published : *parts_.published) {
      for (const auto& [tenant, blocks] : published->blocks_by_tenant) {
        for (const BlockSourcePtr& block : blocks) days.emplace(tenant, day_of(block->info().time_min_ns));
      }
    }
    std::vector<TenantDay> found;
    for (const auto& [tenant, day] : days) found.push_back({tenant, day});
    return found;
  }

  std::vector<TenantId> tenants() const override {
    std::set<TenantId> found;
    for (const auto& published : *parts_.published) {
      for (const auto& [tenant, blocks] : published->blocks_by_tenant) found.insert(tenant);
    }
    for (const BlockSourcePtr& block : parts_.sealed) found.insert(block->info().tenant);
    for (const HeadPrefix& prefix : parts_.open) found.insert(prefix.block->tenant());
    return {found.begin(), found.end()};
  }

  uint64_t catalog_version() const override { return parts_.catalog_version; }

 private:
  /// By address: all of them are registered (stream_registry.h).
  using StreamSet = std::unordered_set<StreamPtr>;

  static void add_streams(const BlockSource& block, StreamSet* streams) {
    for (const BlockStream& part : block.info().streams) streams->insert(part.stream);
  }
  void add_published(const TenantId& tenant, int32_t day, StreamSet* streams) const {
    for (const auto& published : *parts_.published) {
      if (!has_day(*published, day)) continue;
      const auto it = published->blocks_by_tenant.find(tenant);
      if (it != published->blocks_by_tenant.end()) add_day(it->second, day, streams);
    }
  }
  static bool has_day(const PublishedSegment& published, int32_t day) {
    const SegmentMeta& meta = published.segment->meta();
    return day_of(meta.time_min_ns) <= day && day <= day_of(meta.time_max_ns);
  }
  static void add_day(const std::vector<BlockSourcePtr>& blocks, int32_t day, StreamSet* streams) {
    for (const BlockSourcePtr& block : blocks) {
      // A block is of one day.
      if (day_of(block->info().time_min_ns) == day) add_streams(*block, streams);
    }
  }
  template <typename Add>
  void add_unpublished(const TenantId& tenant, const Add& add) const {
    for (const BlockSourcePtr& block : parts_.sealed) {
      if (block->info().tenant == tenant) add(block);
    }
    for (const BlockSourcePtr& block : head_sources(tenant)) add(block);
  }
  /// Made when first asked for and kept: a query asks more than once and the order of a source is worked out once.
  std::vector<BlockSourcePtr> head_sources(const TenantId& tenant) const {
    const MutexLock lock(mu_);
    const auto [it, is_new] = heads_.try_emplace(tenant);
    if (is_new) {
      for (const HeadPrefix& prefix : parts_.open) {
        if (prefix.block->tenant() == tenant) it->second.push_back(make_head_source(prefix));
      }
    }
    return it->second;
  }

  const SnapshotParts parts_;
  mutable Mutex mu_;
  mutable std::map<TenantId, std::vector<BlockSourcePtr>> heads_ GUARDED_BY(mu_);
};

}  // namespace

SnapshotPtr make_snapshot(SnapshotParts parts) {
  return std::make_shared<SnapshotImpl>(std::move(parts));
}

}  // namespace cordwood
