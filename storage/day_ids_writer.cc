// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "storage/base/niceness.h"
#include "storage/day_ids.h"
#include "storage/id_table_writer.h"
#include "storage/segment_index.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

/// About 1 absent id of 7,000 is found: it costs a look into a block, where a longer remainder costs bytes for each id.
constexpr uint32_t kMostRemainderBits = 20;
constexpr uint32_t kLeastRemainderBits = 8;
/// Places here are so much coarser than those of the tables they come from, that hardly an id needs two.
constexpr uint32_t kCoarserBits = 3;
/// A table whose places are wider than so many of these is too small to be joined.
constexpr uint64_t kMaxSpan = 4096;
constexpr uint64_t kWindowEntries = 1u << 16;
constexpr uint64_t kChunkBytes = 8u << 20;  ///< of all tables together

/// The places that the ids at one place of another table may have here: what is known of their hashes is an interval.
struct Span {
  uint64_t first = 0;
  uint64_t last = 0;
};
Result<Span> span_of(uint64_t place, const IdTableShape& from, const IdTableShape& to) {
  const uint32_t shift = from.hash_bits - from.remainder_bits;
  const Wide begin = ((Wide{place} << shift) + from.buckets - 1) / from.buckets;
  const Wide end = ((Wide{place + 1} << shift) + from.buckets - 1) / from.buckets;
  if (begin >= end || end > Wide{1} << from.hash_bits) return Error::corrupt("id bucket: no id has this place");
  const auto first = static_cast<uint64_t>(begin << (64 - from.hash_bits));
  const auto last = static_cast<uint64_t>((end << (64 - from.hash_bits)) - 1);
  const Span span{id_place(first, to), id_place(last, to)};
  if (span.last - span.first > kMaxSpan) return Error::invalid("id table: too small to be joined with large ones");
  return span;
}

/// The groups of one segment's table in their order, read chunk by chunk.
class TableCursor {
 public:
  TableCursor(const SegmentIndex& index, uint32_t first_block, uint64_t chunk_bytes)
      : index_(&index),
        first_block_(first_block),
        chunk_(std::max<uint64_t>(chunk_bytes / IdTableShape::kBucketBytes, 16)),
        all_(index.ids().bytes() / IdTableShape::kBucketBytes) {}

  /// Calls `visit(span, group, first block)` with each group that begins before `end` in `to` and was not visited yet.
  template <typename Visit>
  Result<void> take_below(uint64_t end, const IdTableShape& to, const Visit& visit) {
    for (;;) {
      if (at_ == groups_.size()) {
        if (bucket_ == all_) return {};
        TRY(refill());
        continue;
      }
      const IdGroup& group = groups_[at_];
      TRY_ASSIGN(const Span span, span_of(group.place, index_->ids(), to));
      if (span.first >= end) return {};
      for (const uint32_t block : group.blocks)
        if (block >= index_->block_count()) return Error::corrupt("id bucket: a block is out of range");
      visit(span, group, first_block_);
      ++at_;
    }
  }

 private:
  /// The groups of the next bucket.
  Result<void> refill() {
    constexpr uint64_t kSize = IdTableShape::kBucketBytes;
    if (bucket_ == chunk_end_) {
      const uint64_t count = std::min(chunk_, all_ - bucket_);
      TRY_ASSIGN(bytes_, index_->read_id_buckets({bucket_, count}));
      if (bytes_.size() != count * kSize) return Error::corrupt("id table: ends early");
      chunk_begin_ = bucket_;
      chunk_end_ = bucket_ + count;
    }
    groups_.clear();
    at_ = 0;
    const auto bucket = std::string_view(bytes_).substr((bucket_ - chunk_begin_) * kSize, kSize);
    TRY(read_id_groups(bucket, bucket_, index_->ids(), &groups_));
    ++bucket_;
    return {};
  }

  const SegmentIndex* index_;
  uint32_t first_block_;
  uint64_t chunk_;
  uint64_t all_;
  uint64_t bucket_ = 0;  ///< next to be taken apart
  uint64_t chunk_begin_ = 0;
  uint64_t chunk_end_ = 0;
  std::string bytes_;
  std::vector<IdGroup> groups_;
  size_t at_ = 0;
};

/// The ids of several tables in the order of their places in the common one.
class TableMerge {
 public:
  TableMerge(const std::vector<DayIdsSource>& sources, const IdTableShape& shape, const std::atomic<bool>& stop)
      : shape_(shape), stop_(stop) {
    uint64_t entries = 0;
    uint32_t block = 0;
    for (const DayIdsSource& source : sources) {
      cursors_.emplace_back(*source.index, block, kChunkBytes / sources.size());
      block += source.index->block_count();
      entries += source.index->ids().entries;
    }
    window_ = std::max<uint64_t>(1, shape.buckets * kWindowEntries / std::max<uint64_t>(entries, 1));
    window_ = std::min<uint64_t>(window_, kWindowEntries);
  }

  /// Calls `visit(place, blocks)` for the ids of the next buckets; false when there are none left.
  template <typename Visit>
  Result<bool> next(const Visit& visit, size_t* failed) {
    if (stop_) return Error::cancelled("the common id table was stopped");
    if (bucket_ >= shape_.buckets) return false;
    give_way();
    const uint64_t begin = bucket_ << shape_.remainder_bits;
    bucket_ = std::min<uint64_t>(shape_.buckets, bucket_ + window_);
    const uint64_t end = bucket_ << shape_.remainder_bits;
    entries_.clear();
    std::vector<Entry> later;
    const auto add = [&](const Entry& entry) {
      if (entry.place >= end) return later.push_back(entry);
      entries_.push_back((entry.place - begin) << shape_.block_bits | entry.block);
    };
    for (const Entry& entry : std::exchange(later_, {})) add(entry);
    for (size_t i = 0; i < cursors_.size(); ++i) {
      const Result<void> taken = cursors_[i].take_below(end, shape_, [&](Span span, const IdGroup& group, uint32_t of) {
        for (uint64_t place = span.first; place <= span.last; ++place) {
          if (group.common) add({place, shape_.common_block()});
          for (const uint32_t block : group.blocks) add({place, of + block});
        }
      });
      if (!taken.ok()) {
        *failed = i;
        return taken.error();
      }
    }
    later_ = std::move(later);
    std::sort(entries_.begin(), entries_.end());
    for_each_place(begin, visit);
    return true;
  }
  /// Buckets passed so far.
  uint64_t passed() const { return bucket_; }

 private:
  struct Entry {
    uint64_t place = 0;
    uint32_t block = 0;
  };
  template <typename Visit>
  void for_each_place(uint64_t begin, const Visit& visit) {
    for (size_t i = 0; i < entries_.size();) {
      const uint64_t place = entries_[i] >> shape_.block_bits;
      blocks_.clear();
      for (; i < entries_.size() && entries_[i] >> shape_.block_bits == place; ++i) {
        const auto block = static_cast<uint32_t>(entries_[i] & ((uint64_t{1} << shape_.block_bits) - 1));
        if (blocks_.empty() || blocks_.back() != block) blocks_.push_back(block);
      }
      // The number that stands for all comes last.
      if (blocks_.back() == shape_.common_block()) blocks_.resize(IdTableShape::kCommonBlocks + 1);
      visit(begin + place, blocks_);
    }
  }

  const IdTableShape shape_;
  const std::atomic<bool>& stop_;
  std::vector<TableCursor> cursors_;
  uint64_t window_ = 1;  ///< buckets
  uint64_t bucket_ = 0;
  std::vector<uint64_t> entries_;  ///< of the window: place from its beginning, block
  std::vector<Entry> later_;       ///< beyond it
  std::vector<uint32_t> blocks_;
};

/// Bits that some groups need on average, and what a bucket has for them.
uint32_t buckets_for(double bits, const IdTableShape& shape) {
  const double room = IdTableWriter::kMeanFill * IdTableShape::kPayloadBits - id_bucket_bits(shape);
  return static_cast<uint32_t>(std::clamp(bits / room, 0.0, IdTableShape::kMaxBuckets - 2.0)) + 1;
}

size_t blocks_told(const std::vector<uint32_t>& blocks) {
  return blocks.size() > IdTableShape::kCommonBlocks ? 1 : blocks.size();
}

/// Bits and number of blocks; buckets for the ids as if none was in two segments.
Result<IdTableShape> first_shape(const std::vector<DayIdsSource>& sources) {
  uint64_t blocks = 0;
  uint32_t remainder = IdTableShape::kRemainderBits;
  for (const DayIdsSource& source : sources) {
    blocks += source.index->block_count();
    if (source.index->ids().buckets > 0) remainder = std::min<uint32_t>(remainder, source.index->ids().remainder_bits);
  }
  const uint32_t coarser = kCoarserBits + static_cast<uint32_t>(std::bit_width(sources.size() - 1));
  if (blocks >= kMaxListedBlocks - 1 || remainder < coarser + kLeastRemainderBits)
    return Error::invalid("too many segments for a common id table");
  IdTableShape shape;
  shape.remainder_bits = static_cast<uint8_t>(std::min(kMostRemainderBits, remainder - coarser));
  shape.block_bits = static_cast<uint8_t>(std::max(1, static_cast<int>(std::bit_width(blocks))));
  shape.hash_bits = kIdHashBits;
  double bits = 0;
  for (const DayIdsSource& source : sources) {
    const IdTableShape& own = source.index->ids();
    bits += static_cast<double>(own.ids) * static_cast<double>(id_group_bits(shape, 0)) +
            static_cast<double>(own.entries) * (shape.block_bits + 1);
  }
  shape.buckets = bits == 0 ? 0 : buckets_for(bits * (1 + 1.0 / (1 << kCoarserBits)), shape);
  return shape;
}

/// Hashes are even: what the first ids take tells what all do.
Result<void> fit(const std::vector<DayIdsSource>& sources, const std::atomic<bool>& stop, size_t* failed,
                 IdTableShape* shape) {
  TableMerge sample(sources, *shape, stop);
  uint64_t bits = 0;
  uint64_t entries = 0;
  for (bool more = true; more && entries < kWindowEntries;) {
    TRY_ASSIGN(more, sample.next(
                         [&](uint64_t, const std::vector<uint32_t>& blocks) {
                           bits += id_group_bits(*shape, blocks_told(blocks));
                           entries += blocks.size();
                         },
                         failed));
  }
  const double part = static_cast<double>(sample.passed()) / shape->buckets;
  shape->buckets = buckets_for(static_cast<double>(bits) / part, *shape);
  return {};
}

}  // namespace

bool can_join_day_ids(const SegmentIndex& index) {
  return index.ids().version == IdTableShape::kFlows;
}

Result<DayIdsMeta> write_day_ids(ObjectStore& store, const std::string& key, const std::vector<DayIdsSource>& sources,
                                 const std::atomic<bool>& stop, size_t* failed) {
  *failed = sources.size();
  CHECK(!sources.empty(), "a common id table of no segments");
  DayIdsMeta meta;
  meta.key = key;
  for (const DayIdsSource& source : sources) meta.parts.push_back({source.segment, source.index->block_count()});
  IdTableShape& shape = meta.shape;
  TRY_ASSIGN(shape, first_shape(sources));
  if (shape.buckets > 0) TRY(fit(sources, stop, failed, &shape));
  TRY_ASSIGN(const std::unique_ptr<ObjectUpload> upload, store.upload(key));
  TRY(upload->append(day_ids_header()));
  if (shape.buckets > 0) {
    const IdTableWriter::Append append = [&](std::string_view bytes) { return upload->append(bytes); };
    IdTableWriter table(&shape, append);
    TableMerge merge(sources, shape, stop);
    for (bool more = true; more;) {
      Result<void> added;
      TRY_ASSIGN(more, merge.next(
                           [&](uint64_t place, const std::vector<uint32_t>& blocks) {
                             if (added.ok()) added = table.add(place, blocks);
                           },
                           failed));
      TRY(std::move(added));
    }
    TRY(table.finish());
  }
  TRY(upload->finish());
  meta.size_bytes = kDayIdsHeaderBytes + shape.bytes();
  return meta;
}

}  // namespace cordwood
