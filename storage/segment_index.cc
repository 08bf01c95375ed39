// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_index.h"

#include <algorithm>
#include <set>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/bloom_filter.h"
#include "storage/day_ids.h"
#include "storage/text_index.h"

namespace cordwood {

namespace {

constexpr uint32_t kMaxChain = 256;

}  // namespace

SegmentIndex::SegmentIndex(SegmentIndexDirectory directory, const SegmentFooter& footer,
                           std::shared_ptr<const ByteSource> source, bool ids_at_once)
    : ids_(directory.ids),
      id_section_(footer.sections[kIdTableSection]),
      source_(std::move(source)),
      filters_(std::move(directory), footer.sections[kFilterSection], source_),
      ids_at_once_(ids_at_once && id_section_.size <= kWholeTableBytes) {}

Result<std::string> SegmentIndex::read(uint64_t offset, uint64_t size, ReadStats* stats) const {
  ++stats->index_reads;
  stats->index_bytes += size;
  return source_->read(offset, size);
}

Result<std::string> SegmentIndex::read_buckets(const IdBuckets& buckets, ReadStats* stats) const {
  const uint64_t offset = id_section_.offset + buckets.offset();
  const uint64_t size = buckets.bytes();
  if (!ids_at_once_) return read(offset, size, stats);
  ++stats->index_reads;
  TRY_ASSIGN(const ObjectBytes got, source_->read_near({offset, size}, {id_section_.offset, id_section_.size}));
  stats->index_bytes += got.bytes.size();
  if (!got.holds({offset, size})) return Error::corrupt("id table: ends early");
  return got.bytes.substr(offset - got.offset, size);
}

Result<std::string> SegmentIndex::read_id_buckets(const IdBuckets& buckets) const {
  return source_->read(id_section_.offset + buckets.offset(), buckets.bytes());
}

void SegmentIndex::join(std::shared_ptr<const DayIds> table, uint32_t part) const {
  const MutexLock lock(mu_);
  joined_ = std::move(table);
  part_ = part;
}

bool SegmentIndex::can_join(const DayIds& table, uint32_t part) const {
  return can_join_day_ids(*this) && table.meta().parts[part].blocks == block_count();
}

std::shared_ptr<const DayIds> SegmentIndex::joined() const {
  const MutexLock lock(mu_);
  return joined_;
}

SegmentIndex::Lookup SegmentIndex::look_up(uint64_t id, ReadStats* stats) const {
  std::shared_ptr<const DayIds> table;
  uint32_t part = 0;
  {
    const MutexLock lock(mu_);
    table = joined_;
    part = part_;
  }
  if (table == nullptr) return look_up_alone(id, stats);
  const auto found = table->look_up(id, stats);
  if (found->kind == DayIds::Found::Kind::unknown) return look_up_alone(id, stats);
  Lookup out;
  out.id = id;
  out.anywhere = out.for_now = found->kind == DayIds::Found::Kind::away;
  if (!out.anywhere) out.blocks = table->blocks_of(*found, part);
  return out;
}

SegmentIndex::Lookup SegmentIndex::look_up_alone(uint64_t id, ReadStats* stats) const {
  Lookup out;
  out.id = id;
  const IdTableShape& shape = ids_;
  if (shape.buckets == 0) return out;
  const uint64_t place = id_place(id, shape);
  IdMatch match;
  uint64_t number = id_bucket(place, shape);
  for (uint32_t reads = 0;; ++reads) {
    const IdBuckets wanted = id_buckets(number, shape);
    const Result<std::string> buckets = read_buckets(wanted, stats);
    if (is_away(buckets)) {
      out.anywhere = out.for_now = true;
      return out;
    }
    bool good = buckets.ok() && search_id_buckets(*buckets, wanted, place, shape, &match).ok();
    if (match.next > shape.overflow || reads >= kMaxChain) good = false;
    if (!good) {
      ++stats->index_damages;
      out.anywhere = true;
      return out;
    }
    if (match.next == 0) break;
    number = uint64_t{shape.buckets} + match.next - 1;
  }
  out.anywhere = match.anywhere;
  out.blocks = std::move(match.blocks);
  std::sort(out.blocks.begin(), out.blocks.end());
  return out;
}

std::shared_ptr<const SegmentIndex::Lookup> SegmentIndex::find(uint64_t id, ReadStats* stats) const {
  if (auto found = known(id)) return found;
  auto found = std::make_shared<const Lookup>(look_up(id, stats));
  if (!found->for_now) recent_.add(found);
  return found;
}

uint64_t SegmentIndex::hash_of(const TextProbe::Id& id) const {
  return ids_.version == IdTableShape::kChains ? id.old_hash : id.hash;
}

void SegmentIndex::ids_wanted(uint32_t block, const TextProbe& probe, std::vector<uint64_t>* out) const {
  if (block >= block_count() || probe.conditions().ids.empty()) return;
  const BlockTextFacts& facts = filters_.facts(block);
  if (facts_tell(facts, probe)) return;
  for (const TextProbe::Id& id : probe.conditions().ids) {
    if (ids_tell(facts, id) && known(hash_of(id)) == nullptr) out->push_back(hash_of(id));
  }
}

bool SegmentIndex::may_have_ids(uint32_t block, const TextProbe& probe, Lookups* found, ReadStats* stats) const {
  const auto lies_here = [&](const TextProbe::Id& id) {
    const uint64_t hash = hash_of(id);
    auto at = std::find_if(found->begin(), found->end(), [hash](const auto& one) { return one->id == hash; });
    if (at == found->end()) at = found->insert(found->end(), find(hash, stats));
    return (*at)->anywhere || std::binary_search((*at)->blocks.begin(), (*at)->blocks.end(), block);
  };
  const BlockTextFacts& facts = filters_.facts(block);
  const auto& ids = probe.conditions().ids;
  return std::all_of(ids.begin(), ids.end(),
                     [&](const TextProbe::Id& id) { return !ids_tell(facts, id) || lies_here(id); });
}

Result<bool> SegmentIndex::may_hold(uint32_t block, const TextProbe& probe, ReadStats* stats) const {
  if (block >= block_count()) return true;
  if (const auto told = facts_tell(filters_.facts(block), probe)) return *told;
  Lookups found;
  return may_have_ids(block, probe, &found, stats) && filters_.may_hold(block, probe, stats);
}

void SegmentIndex::will_locate(std::span<const TextProbe* const> any_of) const {
  if (ids_.buckets == 0 || is_far() || joined() != nullptr) return;
  std::set<uint64_t> ids;
  for (const TextProbe* probe : any_of) {
    for (const TextProbe::Id& id : probe->conditions().ids) ids.insert(hash_of(id));
  }
  for (const uint64_t id : ids) {
    if (known(id) != nullptr) continue;
    const IdBuckets buckets = id_buckets(id_bucket(id_place(id, ids_), ids_), ids_);
    source_->will_read({id_section_.offset + buckets.offset(), buckets.bytes()});
  }
}

RowBits SegmentIndex::locate_blocks(std::span<const TextProbe* const> any_of, ReadStats* stats) const {
  RowBits out(block_count());
  Lookups found;  // each id once
  for (const TextProbe* probe : any_of) {
    RowBits asked(block_count());
    for (uint32_t block = 0; block < block_count(); ++block) {
      if (out.test(block)) continue;
      if (const auto told = facts_tell(filters_.facts(block), *probe)) {
        if (*told) out.set(block);
      } else if (may_have_ids(block, *probe, &found, stats)) {
        asked.set(block);
      }
    }
    filters_.rule_out(*probe, &asked, stats);
    out.add(asked);
  }
  return out;
}

}  // namespace cordwood
