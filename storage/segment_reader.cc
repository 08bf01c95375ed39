// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/niceness.h"
#include "storage/block_reader.h"
#include "storage/id_list.h"
#include "storage/segment_format.h"
#include "storage/segment_index.h"
#include "storage/segment_terms.h"
#include "storage/stream_registry.h"

namespace cordwood {

namespace {

/// The tail of a segment, read at once.
class Tail {
 public:
  static Result<Tail> read(ObjectStore& store, const std::string& key, uint64_t file_size, uint64_t tail_size) {
    if (tail_size < SegmentFooter::kBytes || tail_size > file_size)
      return Error::corrupt("segment: size of the tail is wrong");
    Tail t;
    t.begin_ = file_size - tail_size;
    TRY_ASSIGN(t.bytes_, store.get_tail(key, t.begin_, tail_size));
    if (t.bytes_.size() != tail_size) return Error::corrupt("segment: its tail ends early");
    const std::string_view footer = std::string_view(t.bytes_).substr(tail_size - SegmentFooter::kBytes);
    TRY_ASSIGN(t.footer_, SegmentFooter::decode(footer, file_size));
    return t;
  }
  const SegmentFooter& footer() const { return footer_; }
  /// The section's bytes, checked or not.
  Result<std::string_view> section(SegmentSection which) const {
    const SectionPlace& s = footer_.sections[which];
    if (s.offset < begin_) return Error::corrupt("segment: a section lies before the tail");
    return std::string_view(bytes_).substr(s.offset - begin_, s.size);
  }
  /// Bytes of the filter section that lie in the tail: they end with the directory of the index.
  std::string_view index_bytes() const {
    const SectionPlace& s = footer_.sections[kFilterSection];
    if (s.offset + s.size <= begin_) return {};
    const uint64_t skip = s.offset < begin_ ? begin_ - s.offset : 0;
    return std::string_view(bytes_).substr(s.offset + skip - begin_, s.size - skip);
  }
  Result<std::string_view> checked_section(SegmentSection which) const {
    TRY_ASSIGN(const std::string_view bytes, section(which));
    if (checksum_differs(footer_.sections[which].checksum, xxh3_64(bytes)))
      return Error::corrupt("segment: checksum of a section differs");
    return bytes;
  }

 private:
  std::string bytes_;
  uint64_t begin_ = 0;
  SegmentFooter footer_;
};

class OpenSegment final : public Segment {
 public:
  OpenSegment(ObjectStore& store, SegmentMeta meta, SegmentTermsOpener* opener)
      : store_(store), meta_(std::move(meta)), terms_opener_(opener) {}
  Result<void> load(StreamRegistry* registry);
  const SegmentMeta& meta() const override { return meta_; }
  const std::vector<BlockSourcePtr>& blocks() const override { return blocks_; }
  const std::vector<StreamPtr>& streams() const override { return table_.streams; }
  uint64_t memory_bytes() const override { return memory_bytes_; }
  std::shared_ptr<const SegmentIndex> index() const override { return index_; }

 private:
  Result<BlockSourcePtr> open_record(std::string_view record, uint32_t number);
  void open_index(const Tail& tail);
  void open_terms(const Tail& tail);
  void open_ids(std::string_view* index);
  void add_damaged(const Error& error);

  ObjectStore& store_;
  SegmentMeta meta_;
  StreamTable table_;
  std::shared_ptr<const ByteSource> source_;
  std::shared_ptr<const SegmentIndex> index_;  ///< null: there is none, or its directory is damaged
  SegmentTermsOpener* terms_opener_;
  std::shared_ptr<const SegmentTerms> terms_;  ///< null: there are none, or they are damaged
  std::shared_ptr<const IdLists> ids_;         ///< null: there are none, or they are damaged
  std::vector<BlockSourcePtr> blocks_;
  uint64_t memory_bytes_ = 0;
  bool damaged_ = false;
};

Result<BlockSourcePtr> OpenSegment::open_record(std::string_view bytes, uint32_t number) {
  TRY_ASSIGN(const BlockRecord record, BlockRecord::decode(bytes));
  if (record.tenant >= table_.tenants.size()) return Error::corrupt("block record: tenant out of range");
  std::vector<StreamPtr> streams;
  streams.reserve(record.streams.size());
  for (const uint32_t s : record.streams) {
    if (s >= table_.streams.size()) return Error::corrupt("block record: stream out of range");
    streams.push_back(table_.streams[s]);
  }
  return open_block(table_.tenants[record.tenant], std::move(streams), std::string(record.entry), source_,
                    record.narrow_offset, record.heap_offset, false, {index_, number, ids_, terms_});
}

void OpenSegment::open_index(const Tail& tail) {
  constexpr uint64_t kNeeded = kFeatureIdTable | kFeatureFilters;
  if ((tail.footer().features & kNeeded) != kNeeded) return;
  Result<SegmentIndexDirectory> directory = SegmentIndexDirectory::decode(tail.index_bytes(), tail.footer());
  if (!directory.ok()) return;
  auto index =
      std::make_shared<const SegmentIndex>(std::move(directory).value(), tail.footer(), source_, meta_.level == 0);
  memory_bytes_ += index->memory_bytes();
  index_ = std::move(index);
}

void OpenSegment::open_terms(const Tail& tail) {
  if (terms_opener_ == nullptr || (tail.footer().features & kFeatureXapian) == 0) return;
  const Result<std::string_view> part = tail.section(kXapianSection);
  if (!part.ok()) return;
  terms_ = terms_opener_->open(*part, tail.footer().sections[kXapianSection].checksum, meta_.blocks);
  if (terms_ != nullptr) memory_bytes_ += terms_->memory_bytes();
}

/// Id lists, which stand before the records.
void OpenSegment::open_ids(std::string_view* index) {
  Result<IdLists> lists = IdLists::take(index);
  if (!lists.ok()) return;
  lists->source = source_;
  memory_bytes_ += lists->memory_bytes();
  ids_ = std::make_shared<const IdLists>(std::move(lists).value());
}

void OpenSegment::add_damaged(const Error& error) {
  damaged_ = true;
  // What the block held is not known: it counts as anything the segment may hold, for each of its tenants.
  for (const TenantId& tenant : table_.tenants) {
    BlockInfo info;
    info.tenant = tenant;
    info.time_min_ns = meta_.time_min_ns;
    info.time_max_ns = meta_.time_max_ns;
    info.arrival_min = meta_.arrival_min;
    info.arrival_max = meta_.arrival_max;
    blocks_.push_back(damaged_block(std::move(info), error.with_context(meta_.key)));
  }
}

Result<void> OpenSegment::load(StreamRegistry* registry) {
  TRY_ASSIGN(const Tail tail, Tail::read(store_, meta_.key, meta_.size_bytes, meta_.tail_bytes));
  TRY_ASSIGN(const std::string_view streams, tail.checked_section(kStreamSection));
  TRY_ASSIGN(table_, StreamTable::decode(streams));
  if (registry != nullptr) {
    for (StreamPtr& stream : table_.streams) stream = registry->intern(std::move(stream));
  }
  source_ = object_source(store_, meta_.key);
  // Not the checksum of the whole index: one damaged record must not take the others with it.
  TRY_ASSIGN(std::string_view index, tail.section(kBlockSection));
  memory_bytes_ = streams.size() * 4 + index.size() * 2;
  open_index(tail);
  open_terms(tail);
  if ((tail.footer().features & kFeatureIdLists) != 0) open_ids(&index);
  uint32_t number = 0;
  const uint64_t count = for_each_block_record(index, [this, &number](Result<std::string_view> record) {
    const uint32_t n = number++;
    give_way();
    if (!record.ok()) return add_damaged(record.error());
    Result<BlockSourcePtr> block = open_record(*record, n);
    if (!block.ok()) return add_damaged(block.error());
    blocks_.push_back(std::move(block).value());
  });
  const bool whole = tail.checked_section(kBlockSection).ok() && count == meta_.blocks;
  if (!whole && !damaged_) add_damaged(Error::corrupt("the block index is damaged"));
  return {};
}

/// Where the tail of a segment begins.
uint64_t tail_begin(ObjectStore& store, const std::string& key, const SegmentFooter& footer) {
  const SectionPlace& filters = footer.sections[kFilterSection];
  const uint64_t end = filters.offset + filters.size;
  if ((footer.features & kFeatureFilters) == 0 || filters.size < SegmentIndexDirectory::kTrailerBytes) return end;
  const Result<std::string> trailer =
      store.get_range(key, end - SegmentIndexDirectory::kTrailerBytes, SegmentIndexDirectory::kTrailerBytes);
  if (!trailer.ok()) return end;
  const Result<uint64_t> size = SegmentIndexDirectory::encoded_bytes(*trailer, footer);
  return size.ok() ? end - *size : end;
}

}  // namespace

Result<std::shared_ptr<const Segment>> Segment::open(ObjectStore& store, const SegmentMeta& meta,
                                                     SegmentTermsOpener* terms, StreamRegistry* registry) {
  auto segment = std::make_shared<OpenSegment>(store, meta, terms);
  if (const Result<void> loaded = segment->load(registry); !loaded.ok()) return loaded.error().with_context(meta.key);
  return std::shared_ptr<const Segment>(std::move(segment));
}

Result<SegmentMeta> read_segment_meta(ObjectStore& store, const std::string& key) {
  TRY_ASSIGN(const ObjectInfo object, store.head(key));
  if (object.size_bytes < SegmentFooter::kBytes) return Error::corrupt(key + ": too short for a segment");
  TRY_ASSIGN(const Tail tail, Tail::read(store, key, object.size_bytes, SegmentFooter::kBytes));
  const SectionPlace& place = tail.footer().sections[kMetaSection];
  TRY_ASSIGN(const std::string bytes, store.get_range(key, place.offset, place.size));
  if (checksum_differs(place.checksum, xxh3_64(bytes)))
    return Error::corrupt(key + ": checksum of the meta section differs");
  ByteReader in(bytes);
  TRY_ASSIGN(SegmentMeta meta, SegmentMeta::decode(&in));
  TRY(in.finish("segment meta"));
  meta.key = key;
  meta.size_bytes = object.size_bytes;
  meta.tail_bytes = object.size_bytes - tail_begin(store, key, tail.footer());
  return meta;
}

}  // namespace cordwood
