// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "storage/base/niceness.h"
#include "storage/binned_sort.h"
#include "storage/bloom_filter.h"
#include "storage/id_table_writer.h"
#include "storage/segment_index.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

constexpr uint64_t kSampleEntries = 1u << 16;
constexpr uint64_t kChunkEntries = 1u << 20;  ///< of all blocks together
constexpr uint64_t kBatchEntries = 2048;

/// The ids of one block in ascending order, read chunk by chunk.
class IdCursor {
 public:
  /// Of each id's hash the top `hash_bits`.
  IdCursor(const SpilledBlock& block, const BlockIndexHeader& header, uint64_t chunk_entries, uint32_t hash_bits)
      : source_(block.source.get()),
        shift_(kIdHashBits - hash_bits),
        offset_(block.index_offset + header.ids_offset()),
        left_(header.ids),
        chunk_(chunk_entries) {}

  /// Calls `visit` with each id less than `end` that was not visited yet.
  template <typename Visit>
  Result<void> take_below(uint64_t end, const Visit& visit) {
    for (;;) {
      if (at_ == buffer_.size()) {
        if (left_ == 0) return {};
        TRY(refill());
      }
      uint64_t id = 0;
      std::memcpy(&id, buffer_.data() + at_, BlockIndexHeader::kIdBytes);
      id >>= shift_;
      if (id >= end) return {};
      visit(id);
      at_ += BlockIndexHeader::kIdBytes;
    }
  }

 private:
  Result<void> refill() {
    const uint64_t entries = std::min<uint64_t>(left_, chunk_);
    TRY_ASSIGN(buffer_, source_->read(offset_, entries * BlockIndexHeader::kIdBytes));
    at_ = 0;
    offset_ += buffer_.size();
    left_ -= entries;
    return {};
  }

  const ByteSource* source_;
  uint32_t shift_;
  uint64_t offset_;
  uint64_t left_;
  uint64_t chunk_;
  std::string buffer_;
  size_t at_ = 0;
};

std::vector<IdCursor> make_cursors(const std::vector<SpilledBlock>& blocks,
                                   const std::vector<BlockIndexHeader>& headers, uint32_t hash_bits) {
  const uint64_t chunk = std::clamp<uint64_t>(kChunkEntries / std::max<size_t>(blocks.size(), 1), 64, 8192);
  std::vector<IdCursor> cursors;
  cursors.reserve(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) cursors.emplace_back(blocks[i], headers[i], chunk, hash_bits);
  return cursors;
}

/// Gathers entries of all blocks, ascending by id, then block.
class EntryGatherer {
 public:
  explicit EntryGatherer(uint32_t block_bits) : block_bits_(block_bits) {}
  /// Those of ids in [begin, end), which come after those gathered before.
  Result<void> gather(std::vector<IdCursor>* cursors, uint64_t begin, uint64_t end) {
    entries_.clear();
    for (size_t block = 0; block < cursors->size(); ++block) {
      TRY((*cursors)[block].take_below(end, [&](uint64_t id) { entries_.push_back(id << block_bits_ | block); }));
    }
    const uint64_t width = std::max<uint64_t>(end - begin, 1);
    sort_in_bins(&entries_, kBins, &room_,
                 [&](uint64_t entry) { return std::min(((entry >> block_bits_) - begin) * kBins / width, kBins - 1); });
    return {};
  }
  const std::vector<uint64_t>& entries() const { return entries_; }
  /// Calls `visit(id, blocks)` for each id.
  template <typename Visit>
  void for_each_id(const Visit& visit) const {
    std::vector<uint32_t> blocks;
    for (size_t i = 0; i < entries_.size();) {
      const uint64_t id = entries_[i] >> block_bits_;
      blocks.clear();
      for (; i < entries_.size() && entries_[i] >> block_bits_ == id; ++i) {
        const auto block = static_cast<uint32_t>(entries_[i] & ((uint64_t{1} << block_bits_) - 1));
        if (blocks.empty() || blocks.back() != block) blocks.push_back(block);
      }
      visit(id, blocks);
    }
  }

 private:
  static constexpr uint64_t kBins = 1024;
  const uint32_t block_bits_;
  std::vector<uint64_t> entries_;
  std::vector<uint64_t> room_;
};

/// The id with which a bucket begins.
uint64_t first_id_of(uint64_t bucket, const IdTableShape& shape) {
  return static_cast<uint64_t>(((Wide{bucket} << shape.hash_bits) + shape.buckets - 1) / shape.buckets);
}

}  // namespace

Result<SegmentIndexWriter> SegmentIndexWriter::open(const std::vector<SpilledBlock>& blocks) {
  SegmentIndexWriter writer(blocks);
  if (blocks.size() >= kMaxListedBlocks - 1) return Error::invalid("too many blocks for one segment");
  for (const SpilledBlock& block : blocks) {
    BlockIndexHeader header;
    if (block.index_bytes > 0) {
      TRY_ASSIGN(const std::string bytes, block.source->read(block.index_offset, block.index_bytes));
      TRY_ASSIGN(header, check_block_index(bytes));
    }
    writer.headers_.push_back(header);
    writer.directory_.blocks.push_back(header.facts);
  }
  (void)writer.directory_.place_filters(true);
  IdTableShape& shape = writer.directory_.ids;
  shape.block_bits = static_cast<uint8_t>(std::max(1, static_cast<int>(std::bit_width(blocks.size()))));
  // An entry, id and block, is one number of 64 bits while it is sorted.
  shape.hash_bits = static_cast<uint8_t>(std::min(kIdHashBits, 64 - shape.block_bits));
  return writer;
}

/// How much of a bucket an entry takes: less, the more blocks an id is in.  Hashes are even, so their beginning tells.
Result<double> SegmentIndexWriter::bits_per_entry() const {
  const IdTableShape& shape = directory_.ids;
  uint64_t total = 0;
  for (const BlockIndexHeader& h : headers_) total += h.ids;
  const double part =
      std::min(1.0, static_cast<double>(kSampleEntries) / static_cast<double>(std::max<uint64_t>(total, 1)));
  const auto end = static_cast<uint64_t>(part * static_cast<double>(uint64_t{1} << shape.hash_bits));
  std::vector<IdCursor> cursors = make_cursors(*blocks_, headers_, shape.hash_bits);
  EntryGatherer gatherer(shape.block_bits);
  TRY(gatherer.gather(&cursors, 0, end));
  uint64_t bits = 0;
  gatherer.for_each_id([&](uint64_t, const std::vector<uint32_t>& in) {
    bits += id_group_bits(shape, in.size() > IdTableShape::kCommonBlocks ? 1 : in.size());
  });
  const size_t entries = gatherer.entries().size();
  if (entries == 0) return static_cast<double>(id_group_bits(shape, 1));
  return static_cast<double>(bits) / static_cast<double>(entries);
}

Result<void> SegmentIndexWriter::write_ids(const Append& append) {
  IdTableShape& shape = directory_.ids;
  uint64_t total = 0;
  for (const BlockIndexHeader& h : headers_) total += h.ids;
  if (total == 0) return {};
  TRY_ASSIGN(const double bits, bits_per_entry());
  const double want = static_cast<double>(total) * bits /
                      (IdTableWriter::kMeanFill * IdTableShape::kPayloadBits - id_bucket_bits(shape));
  shape.buckets = static_cast<uint32_t>(std::clamp(want, 0.0, IdTableShape::kMaxBuckets - 2.0)) + 1;

  const uint64_t batch_entries = std::max<uint64_t>(kBatchEntries, blocks_->size() * 4);
  const uint64_t batch = std::max<uint64_t>(1, shape.buckets * batch_entries / total);
  std::vector<IdCursor> cursors = make_cursors(*blocks_, headers_, shape.hash_bits);
  EntryGatherer gatherer(shape.block_bits);
  IdTableWriter table(&shape, append);
  for (uint64_t bucket = 0; bucket < shape.buckets; bucket += batch) {
    const uint64_t end = std::min<uint64_t>(shape.buckets, bucket + batch);
    TRY(gatherer.gather(&cursors, first_id_of(bucket, shape), first_id_of(end, shape)));
    give_way();
    Result<void> added;
    gatherer.for_each_id([&](uint64_t id, const std::vector<uint32_t>& in) {
      if (added.ok()) added = table.add(id_place(id << (64 - shape.hash_bits), shape), in);
    });
    TRY(std::move(added));
  }
  return table.finish();
}

Result<void> SegmentIndexWriter::write_filters(const Append& append) {
  // Blooms [begin, end) of the filter of some kind that lies `offset` bytes into a block's filters.
  const auto read = [this](size_t number, uint64_t offset, uint32_t blooms, uint32_t kind, uint32_t begin,
                           uint32_t end) {
    const SpilledBlock& block = (*blocks_)[number];
    const uint64_t filter = block.index_offset + headers_[number].filters_offset() + offset;
    return read_bloom_blocks(begin, end, blooms, kind,
                             [&](uint64_t at, uint64_t size) { return block.source->read(filter + at, size); });
  };
  const SlicedFilters& slices = *directory_.slices;
  const auto tokens = [&](size_t number, uint32_t begin, uint32_t end) {
    return read(number, 0, headers_[number].facts.token_blocks, kTokenFilter, begin, end);
  };
  const auto grams = [&](size_t number, uint32_t begin, uint32_t end) {
    const BlockTextFacts& facts = headers_[number].facts;
    return read(number, bloom_bytes(facts.token_blocks), facts.gram_blocks, kGramFilter, begin, end);
  };
  TRY(slices.tokens.write(tokens, append));
  return slices.grams.write(grams, append);
}

}  // namespace cordwood
