// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_index.h"

#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/bloom_filter.h"
#include "storage/day_ids.h"
#include "storage/text_index.h"

namespace cordwood {

namespace {

constexpr uint32_t kMaxChain = 256;

}  // namespace

void SegmentIndexDirectory::encode(std::string* out) const {
  const size_t begin = out->size();
  ids.encode(out);
  ByteWriter w(out);
  w.varint(blocks.size());
  for (const Block& b : blocks) {
    w.varint(b.facts.flags);
    w.varint(b.facts.hex_lengths);
    w.varint(b.facts.token_blocks);
    w.varint(b.facts.gram_blocks);
  }
  w.u32(static_cast<uint32_t>(out->size() - begin));
  w.u64(xxh3_64(std::string_view(*out).substr(begin)));
}

Result<uint64_t> SegmentIndexDirectory::encoded_bytes(std::string_view trailer, const SegmentFooter& footer) {
  if (trailer.size() < kTrailerBytes) return Error::corrupt("index directory: too short");
  const uint64_t size = ByteReader(trailer.substr(trailer.size() - kTrailerBytes)).u32();
  if (size + kTrailerBytes > footer.sections[kFilterSection].size)
    return Error::corrupt("index directory: larger than its section");
  return size + kTrailerBytes;
}

Result<SegmentIndexDirectory> SegmentIndexDirectory::decode(std::string_view bytes, const SegmentFooter& footer) {
  TRY_ASSIGN(const uint64_t size, encoded_bytes(bytes, footer));
  if (size > bytes.size()) return Error::corrupt("index directory: begins before the tail");
  bytes.remove_prefix(bytes.size() - size);
  const std::string_view checked = bytes.substr(0, bytes.size() - 8);
  if (checksum_differs(ByteReader(bytes.substr(checked.size())).u64(), xxh3_64(checked)))
    return Error::corrupt("index directory: checksum differs");
  ByteReader in(bytes.substr(0, bytes.size() - kTrailerBytes));
  SegmentIndexDirectory d;
  TRY_ASSIGN(d.ids, IdTableShape::decode(&in));
  const uint64_t blocks = in.count(4);
  d.blocks.reserve(blocks);
  uint64_t offset = 0;
  for (uint64_t i = 0; i < blocks; ++i) {
    Block& b = d.blocks.emplace_back();
    const uint64_t flags = in.varint();
    const uint64_t lengths = in.varint();
    const uint64_t tokens = in.varint();
    const uint64_t grams = in.varint();
    if (flags > UINT32_MAX || lengths > UINT32_MAX || tokens > kMaxBloomBlocks || grams > kMaxBloomBlocks)
      return Error::corrupt("index directory: a number is out of range");
    b.facts = {static_cast<uint32_t>(flags), static_cast<uint32_t>(lengths), static_cast<uint32_t>(tokens),
               static_cast<uint32_t>(grams)};
    b.filter_offset = offset;
    offset += b.facts.filter_bytes();
  }
  TRY(in.finish("index directory"));
  if (d.ids.bytes() != footer.sections[kIdTableSection].size || offset + size != footer.sections[kFilterSection].size) {
    return Error::corrupt("index directory: does not fit its sections");
  }
  return d;
}

SegmentIndex::SegmentIndex(SegmentIndexDirectory directory, const SegmentFooter& footer,
                           std::shared_ptr<const ByteSource> source, bool ids_at_once)
    : directory_(std::move(directory)),
      id_section_(footer.sections[kIdTableSection]),
      filter_section_(footer.sections[kFilterSection]),
      source_(std::move(source)),
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
  if (offset < got.offset || offset - got.offset > got.bytes.size()) return Error::corrupt("id table: ends early");
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
  const IdTableShape& shape = directory_.ids;
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
  return directory_.ids.version == IdTableShape::kChains ? id.old_hash : id.hash;
}

void SegmentIndex::ids_wanted(uint32_t block, const TextProbe& probe, std::vector<uint64_t>* out) const {
  if (block >= directory_.blocks.size() || probe.conditions().ids.empty()) return;
  const BlockTextFacts& facts = directory_.blocks[block].facts;
  if (facts_tell(facts, probe)) return;
  for (const TextProbe::Id& id : probe.conditions().ids) {
    if (ids_tell(facts, id) && known(hash_of(id)) == nullptr) out->push_back(hash_of(id));
  }
}

Result<SegmentIndex::BlockPart> SegmentIndex::part_of(uint32_t block) const {
  if (block >= directory_.blocks.size() || (directory_.blocks[block].facts.flags & BlockTextFacts::kIndexed) == 0)
    return Error::corrupt("a block is not indexed");
  const SegmentIndexDirectory::Block& b = directory_.blocks[block];
  BlockPart part;
  part.facts = b.facts;
  if (b.facts.filter_bytes() == 0) return part;
  TRY_ASSIGN(part.filters, source_->read(filter_section_.offset + b.filter_offset, b.facts.filter_bytes()));
  if (part.filters.size() != b.facts.filter_bytes()) return Error::corrupt("filters end early");
  std::string_view rest = part.filters;
  for (const auto& [kind, blocks] :
       {std::pair(kTokenFilter, b.facts.token_blocks), {kGramFilter, b.facts.gram_blocks}}) {
    const uint32_t pages = (blocks + kBloomPageBlocks - 1) / kBloomPageBlocks;
    for (uint32_t page = 0; page < pages; ++page) {
      const uint32_t bytes = bloom_page_bytes(page, blocks);
      TRY(check_bloom_page(rest.substr(0, bytes), page, kind));
      rest.remove_prefix(bytes);
    }
  }
  return part;
}

class SegmentIndex::OfBlock final : public BlockTextIndex {
 public:
  OfBlock(const SegmentIndex& index, uint32_t block) : index_(index), block_(block) {}
  bool may_have(const TextProbe::Id& id, ReadStats* stats) const override {
    const auto found = index_.find(index_.hash_of(id), stats);
    return found->anywhere || std::binary_search(found->blocks.begin(), found->blocks.end(), block_);
  }
  Result<std::string> read_filters(uint64_t offset, uint64_t size, ReadStats* stats) const override {
    const uint64_t filters = index_.filter_section_.offset + index_.directory_.blocks[block_].filter_offset;
    return index_.read(filters + offset, size, stats);
  }

 private:
  const SegmentIndex& index_;
  const uint32_t block_;
};

Result<bool> SegmentIndex::may_hold(uint32_t block, const TextProbe& probe, ReadStats* stats) const {
  if (block >= directory_.blocks.size()) return true;
  return may_hold_text(directory_.blocks[block].facts, probe, OfBlock(*this, block), stats);
}

std::vector<uint32_t> SegmentIndex::locate_blocks(std::span<const TextProbe* const> any_of, ReadStats* stats) const {
  std::vector<std::shared_ptr<const Lookup>> found;  // each once, in the order they were first asked for
  const auto lies_in = [&](const TextProbe::Id& id, uint32_t block) {
    const uint64_t hash = hash_of(id);
    auto at = std::find_if(found.begin(), found.end(), [hash](const auto& one) { return one->id == hash; });
    if (at == found.end()) at = found.insert(found.end(), find(hash, stats));
    return (*at)->anywhere || std::binary_search((*at)->blocks.begin(), (*at)->blocks.end(), block);
  };
  std::vector<uint32_t> out;
  for (uint32_t block = 0; block < directory_.blocks.size(); ++block) {
    const BlockTextFacts& facts = directory_.blocks[block].facts;
    const bool may_hold = std::any_of(any_of.begin(), any_of.end(), [&](const TextProbe* probe) {
      if (const auto told = facts_tell(facts, *probe)) return *told;
      const auto& ids = probe->conditions().ids;
      return std::all_of(ids.begin(), ids.end(),
                         [&](const TextProbe::Id& id) { return !ids_tell(facts, id) || lies_in(id, block); });
    });
    if (may_hold) out.push_back(block);
  }
  return out;
}

}  // namespace cordwood
