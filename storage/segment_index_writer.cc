// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "storage/binned_sort.h"
#include "storage/segment_index.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

constexpr double kMeanFill = 0.75;
constexpr uint64_t kSampleEntries = 1u << 16;
constexpr uint64_t kChunkEntries = 1u << 20;  ///< of all blocks together
constexpr uint64_t kBatchEntries = 2048;
constexpr uint32_t kBlockBits = 24;  ///< of an entry while it is sorted, below the id

/// The ids of one block in ascending order, read chunk by chunk.
class IdCursor {
 public:
  IdCursor(const SpilledBlock& block, const BlockIndexHeader& header, uint64_t chunk_entries)
      : source_(block.source.get()),
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
  uint64_t offset_;
  uint64_t left_;
  uint64_t chunk_;
  std::string buffer_;
  size_t at_ = 0;
};

std::vector<IdCursor> make_cursors(const std::vector<SpilledBlock>& blocks,
                                   const std::vector<BlockIndexHeader>& headers) {
  const uint64_t chunk = std::clamp<uint64_t>(kChunkEntries / std::max<size_t>(blocks.size(), 1), 64, 8192);
  std::vector<IdCursor> cursors;
  cursors.reserve(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) cursors.emplace_back(blocks[i], headers[i], chunk);
  return cursors;
}

/// Gathers entries of all blocks, ascending by id, then block.
class EntryGatherer {
 public:
  /// Those of ids in [begin, end), which come after those gathered before.
  Result<void> gather(std::vector<IdCursor>* cursors, uint64_t begin, uint64_t end) {
    entries_.clear();
    for (size_t block = 0; block < cursors->size(); ++block) {
      TRY((*cursors)[block].take_below(end, [&](uint64_t id) { entries_.push_back(id << kBlockBits | block); }));
    }
    const uint64_t width = std::max<uint64_t>(end - begin, 1);
    sort_in_bins(&entries_, kBins, &room_,
                 [&](uint64_t entry) { return std::min(((entry >> kBlockBits) - begin) * kBins / width, kBins - 1); });
    return {};
  }
  const std::vector<uint64_t>& entries() const { return entries_; }

 private:
  static constexpr uint64_t kBins = 1024;
  std::vector<uint64_t> entries_;
  std::vector<uint64_t> room_;
};

/// Calls `visit(id, blocks)` for each id.
template <typename Visit>
void for_each_id(const std::vector<uint64_t>& entries, const Visit& visit) {
  std::vector<uint32_t> blocks;
  for (size_t i = 0; i < entries.size();) {
    const uint64_t id = entries[i] >> kBlockBits;
    blocks.clear();
    for (; i < entries.size() && entries[i] >> kBlockBits == id; ++i)
      blocks.push_back(static_cast<uint32_t>(entries[i] & ((1u << kBlockBits) - 1)));
    visit(id, blocks);
  }
}

/// The id with which a bucket begins.
uint64_t first_id_of(uint64_t bucket, const IdTableShape& shape) {
  return ((bucket << kIdHashBits) + shape.buckets - 1) / shape.buckets;
}

/// Writes buckets in their order; keeps those of the overflow area until the end.
class BucketSink {
 public:
  BucketSink(IdTableShape* shape, const SegmentIndexWriter::Append& append)
      : shape_(shape), append_(append), writer_(*shape) {}

  Result<void> add(uint64_t id, const std::vector<uint32_t>& blocks) {
    const IdPlace place = id_place(id, *shape_);
    while (bucket_ < place.bucket) TRY(next_bucket());
    if (!writer_.add(place.remainder, blocks)) {
      full_.push_back(writer_);
      writer_ = IdBucketWriter(*shape_);
      CHECK(writer_.add(place.remainder, blocks), "an id does not fit into an empty bucket");
    }
    ++shape_->ids;
    shape_->entries += blocks.size();
    return {};
  }
  Result<void> finish() {
    while (bucket_ < shape_->buckets) TRY(next_bucket());
    for (const std::string& bucket : overflow_) TRY(append_(bucket));
    shape_->overflow = static_cast<uint32_t>(overflow_.size());
    return {};
  }

 private:
  /// The bucket itself is the first that was full, if there are any; the others follow it in the overflow area.
  Result<void> next_bucket() {
    full_.push_back(writer_);
    for (size_t i = 0; i < full_.size(); ++i) {
      const bool last = i + 1 == full_.size();
      const uint64_t number = i == 0 ? bucket_ : shape_->buckets + overflow_.size();
      const auto next = static_cast<uint32_t>(last ? 0 : overflow_.size() + (i == 0 ? 1 : 2));
      std::string bytes = full_[i].finish(number, next);
      if (i == 0) {
        TRY(append_(bytes));
      } else {
        overflow_.push_back(std::move(bytes));
      }
    }
    full_.clear();
    writer_ = IdBucketWriter(*shape_);
    ++bucket_;
    return {};
  }

  IdTableShape* shape_;
  const SegmentIndexWriter::Append& append_;
  IdBucketWriter writer_;
  std::vector<IdBucketWriter> full_;
  std::vector<std::string> overflow_;
  uint64_t bucket_ = 0;
};

}  // namespace

Result<SegmentIndexWriter> SegmentIndexWriter::open(const std::vector<SpilledBlock>& blocks) {
  SegmentIndexWriter writer(blocks);
  if (blocks.size() >= (1u << kBlockBits) - 1) return Error::invalid("too many blocks for one segment");
  uint64_t offset = 0;
  for (const SpilledBlock& block : blocks) {
    BlockIndexHeader header;
    if (block.index_bytes > 0) {
      TRY_ASSIGN(const std::string bytes, block.source->read(block.index_offset, block.index_bytes));
      TRY_ASSIGN(header, check_block_index(bytes));
    }
    writer.headers_.push_back(header);
    writer.directory_.blocks.push_back({header.facts, offset});
    offset += header.facts.filter_bytes();
  }
  writer.directory_.ids.block_bits = static_cast<uint8_t>(std::max(1, static_cast<int>(std::bit_width(blocks.size()))));
  return writer;
}

/// How much of a bucket an entry takes: less, the more blocks an id is in.  Hashes are even, so their beginning tells.
Result<double> SegmentIndexWriter::bits_per_entry() const {
  uint64_t total = 0;
  for (const BlockIndexHeader& h : headers_) total += h.ids;
  const double part =
      std::min(1.0, static_cast<double>(kSampleEntries) / static_cast<double>(std::max<uint64_t>(total, 1)));
  const auto end = static_cast<uint64_t>(part * static_cast<double>(uint64_t{1} << kIdHashBits));
  std::vector<IdCursor> cursors = make_cursors(*blocks_, headers_);
  EntryGatherer gatherer;
  TRY(gatherer.gather(&cursors, 0, end));
  const std::vector<uint64_t>& entries = gatherer.entries();
  uint64_t bits = 0;
  for_each_id(entries, [&](uint64_t, const std::vector<uint32_t>& in) {
    bits += id_group_bits(directory_.ids, in.size() > IdTableShape::kCommonBlocks ? 1 : in.size());
  });
  if (entries.empty()) return static_cast<double>(id_group_bits(directory_.ids, 1));
  return static_cast<double>(bits) / static_cast<double>(entries.size());
}

Result<void> SegmentIndexWriter::write_ids(const Append& append) {
  IdTableShape& shape = directory_.ids;
  uint64_t total = 0;
  for (const BlockIndexHeader& h : headers_) total += h.ids;
  if (total == 0) return {};
  TRY_ASSIGN(const double bits, bits_per_entry());
  const double want = static_cast<double>(total) * bits / (kMeanFill * IdTableShape::kPayloadBits);
  shape.buckets = static_cast<uint32_t>(std::clamp(want, 0.0, IdTableShape::kMaxBuckets - 2.0)) + 1;

  const uint64_t batch_entries = std::max<uint64_t>(kBatchEntries, blocks_->size() * 4);
  const uint64_t batch = std::max<uint64_t>(1, shape.buckets * batch_entries / total);
  std::vector<IdCursor> cursors = make_cursors(*blocks_, headers_);
  EntryGatherer gatherer;
  BucketSink sink(&shape, append);
  for (uint64_t bucket = 0; bucket < shape.buckets; bucket += batch) {
    const uint64_t end = std::min<uint64_t>(shape.buckets, bucket + batch);
    TRY(gatherer.gather(&cursors, first_id_of(bucket, shape), first_id_of(end, shape)));
    Result<void> added;
    for_each_id(gatherer.entries(), [&](uint64_t id, const std::vector<uint32_t>& in) {
      if (added.ok()) added = sink.add(id, in);
    });
    TRY(std::move(added));
  }
  return sink.finish();
}

Result<void> SegmentIndexWriter::write_filters(const Append& append) {
  for (size_t i = 0; i < blocks_->size(); ++i) {
    const SpilledBlock& block = (*blocks_)[i];
    const uint64_t size = headers_[i].facts.filter_bytes();
    if (size == 0) continue;
    TRY_ASSIGN(const std::string bytes, block.source->read(block.index_offset + headers_[i].filters_offset(), size));
    TRY(append(bytes));
  }
  return {};
}

}  // namespace cordwood
