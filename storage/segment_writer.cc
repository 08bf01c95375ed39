// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/niceness.h"
#include "storage/base/running_checksum.h"
#include "storage/block_entry.h"
#include "storage/id_list_writer.h"
#include "storage/segment_format.h"
#include "storage/segment_index.h"
#include "storage/spilled_block.h"

namespace cordwood {

namespace {

/// Rewritten heaps that wait in memory until the narrow parts of their stripe are written; others are made twice.
constexpr uint64_t kMaxKeptHeapBytes = 16u << 20;

/// Finds each stream of the segment once.
class StreamNumbers {
 public:
  explicit StreamNumbers(StreamTable* table) : table_(table) {}
  uint32_t tenant(const TenantId& id) {
    const auto [at, fresh] = tenants_.try_emplace(id, static_cast<uint32_t>(table_->tenants.size()));
    if (fresh) table_->tenants.push_back(id);
    return at->second;
  }
  uint32_t stream(const StreamPtr& s) {
    tenant(s->tenant);
    std::vector<uint32_t>& same_id = streams_[s->id];
    for (const uint32_t n : same_id)
      if (table_->streams[n]->same_as(*s)) return n;
    same_id.push_back(static_cast<uint32_t>(table_->streams.size()));
    table_->streams.push_back(s);
    return same_id.back();
  }

 private:
  StreamTable* table_;
  std::map<TenantId, uint32_t> tenants_;
  std::unordered_map<StreamId, std::vector<uint32_t>, StreamIdHash> streams_;
};

class SegmentWriter {
 public:
  explicit SegmentWriter(std::unique_ptr<ObjectUpload> upload) : upload_(std::move(upload)) {}

  Result<void> write_header();
  Result<void> write_id_lists(const std::vector<SpilledBlock>& blocks);
  Result<void> write_stripe(const std::vector<SpilledBlock>& blocks, size_t begin, size_t end);
  Result<void> write_tail(const std::vector<SpilledBlock>& blocks, std::string_view terms, SegmentMeta* meta);
  const SectionPlace& id_table() const { return footer_.sections[kIdTableSection]; }

 private:
  Result<void> write_narrow(const SpilledBlock& block, size_t number);
  Result<void> write_heap(const SpilledBlock& block, size_t number);
  Result<void> copy(const SpilledBlock& block, uint64_t offset, uint64_t size, uint64_t checksum);
  Result<void> append(std::string_view bytes) {
    TRY(upload_->append(bytes));
    position_ += bytes.size();
    return {};
  }
  Result<void> write_section(SegmentSection section, std::string_view bytes);
  Result<void> write_index(const std::vector<SpilledBlock>& blocks);

  std::unique_ptr<ObjectUpload> upload_;
  uint64_t position_ = 0;
  uint64_t tail_begin_ = 0;
  SegmentFooter footer_;
  std::vector<BlockRecord> records_;
  std::optional<IdListWriter> ids_;
  std::vector<std::string> heaps_;    ///< by block: rewritten, until the stripe's heaps are written
  uint64_t heap_bytes_ = 0;           ///< of those
  std::vector<std::string> entries_;  ///< of rewritten blocks
};

Result<void> SegmentWriter::write_header() {
  std::string header;
  encode_segment_prelude(&header);
  return append(header);
}

Result<void> SegmentWriter::copy(const SpilledBlock& block, uint64_t offset, uint64_t size, uint64_t checksum) {
  TRY_ASSIGN(const std::string bytes, read_part(*block.source, offset, size, checksum));
  return append(bytes);
}

Result<void> SegmentWriter::write_id_lists(const std::vector<SpilledBlock>& blocks) {
  TRY_ASSIGN(ids_, IdListWriter::open(blocks));
  heaps_.resize(blocks.size());
  entries_.resize(blocks.size());
  if (ids_->empty()) return {};
  footer_.features |= kFeatureIdLists | kFeatureIdFrames;
  return ids_->write(position_, [this](std::string_view bytes) { return append(bytes); });
}

Result<void> SegmentWriter::write_narrow(const SpilledBlock& block, size_t number) {
  TRY_ASSIGN(const EntryParts parts, decode_entry(block.entry));
  if (parts.summary.narrow_bytes != block.narrow_bytes || parts.summary.heap_bytes != block.heap_bytes) {
    return Error::corrupt("a spilled block does not have the size its entry tells");
  }
  BlockRecord& record = records_.emplace_back();
  record.narrow_offset = position_;
  record.entry = block.entry;
  if (!ids_->changes(number))
    return copy(block, block.narrow_offset, block.narrow_bytes, parts.summary.narrow_checksum);
  TRY_ASSIGN(BlockBytes rewritten, ids_->rewrite(number));
  entries_[number] = std::move(rewritten.entry);
  record.entry = entries_[number];
  if (heap_bytes_ + rewritten.heap.size() <= kMaxKeptHeapBytes) {
    heap_bytes_ += rewritten.heap.size();
    heaps_[number] = std::move(rewritten.heap);
  }
  return append(rewritten.narrow);
}

Result<void> SegmentWriter::write_heap(const SpilledBlock& block, size_t number) {
  records_[number].heap_offset = position_;
  if (!ids_->changes(number)) {
    TRY_ASSIGN(const EntryParts parts, decode_entry(block.entry));
    return copy(block, block.heap_offset, block.heap_bytes, parts.summary.heap_checksum);
  }
  const std::string heap = std::move(heaps_[number]);
  heap_bytes_ -= heap.size();
  if (!heap.empty()) return append(heap);
  TRY_ASSIGN(const BlockBytes again, ids_->rewrite(number));
  return append(again.heap);
}

Result<void> SegmentWriter::write_stripe(const std::vector<SpilledBlock>& blocks, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) TRY(write_narrow(blocks[i], i));
  for (size_t i = begin; i < end; ++i) TRY(write_heap(blocks[i], i));
  return {};
}

Result<void> SegmentWriter::write_section(SegmentSection section, std::string_view bytes) {
  footer_.sections[section] = {position_, bytes.size(), xxh3_64(bytes)};
  return append(bytes);
}

/// Id table and filters; the directory at their end begins the tail.
Result<void> SegmentWriter::write_index(const std::vector<SpilledBlock>& blocks) {
  TRY_ASSIGN(SegmentIndexWriter index, SegmentIndexWriter::open(blocks));
  SectionPlace* section = nullptr;
  std::unique_ptr<RunningChecksum> checksum;
  const auto begin = [&](SegmentSection which) {
    section = &footer_.sections[which];
    section->offset = position_;
    checksum = std::make_unique<RunningChecksum>();
  };
  const auto add = [&](std::string_view bytes) -> Result<void> {
    checksum->update(bytes);
    section->size += bytes.size();
    return append(bytes);
  };
  begin(kIdTableSection);
  TRY(index.write_ids(add));
  section->checksum = checksum->value();
  begin(kFilterSection);
  TRY(index.write_filters(add));
  tail_begin_ = position_;
  std::string directory;
  index.directory().encode(&directory);
  TRY(add(directory));
  section->checksum = checksum->value();
  footer_.features |= kFeatureIdTable | kFeatureFilters | kFeatureRendered | kFeatureSlices;
  return {};
}

Result<void> SegmentWriter::write_tail(const std::vector<SpilledBlock>& blocks, std::string_view terms,
                                       SegmentMeta* meta) {
  StreamTable table;
  StreamNumbers numbers(&table);
  std::string index;
  if (!ids_->empty()) ids_->lists().encode(&index);
  ByteWriter w(&index);
  w.varint(blocks.size());
  std::string record;
  for (size_t i = 0; i < blocks.size(); ++i) {
    give_way();
    records_[i].tenant = numbers.tenant(blocks[i].info.tenant);
    for (const BlockStream& s : blocks[i].info.streams) records_[i].streams.push_back(numbers.stream(s.stream));
    record.clear();
    records_[i].encode(&record);
    w.varint(record.size());
    w.u64(xxh3_64(record));
    w.bytes(record);
  }
  std::string streams;
  table.encode(&streams);
  TRY(write_index(blocks));
  TRY(write_section(kStreamSection, streams));
  TRY(write_section(kXapianSection, terms));
  if (!terms.empty()) footer_.features |= kFeatureXapian;
  TRY(write_section(kBlockSection, index));
  // The sizes stand in the meta itself, so they are fixed before it is encoded: it has none of its own.
  std::string encoded;
  meta->encode(&encoded);
  TRY(write_section(kMetaSection, encoded));
  std::string footer;
  footer_.encode(&footer);
  TRY(append(footer));
  meta->size_bytes = position_;
  meta->tail_bytes = position_ - tail_begin_;
  return upload_->finish();
}

}  // namespace

Result<SegmentMeta> write_segment(ObjectStore& store, const std::string& key, const std::string& node,
                                  uint64_t generation, const std::vector<SpilledBlock>& blocks,
                                  const SegmentOrigin& origin) {
  SegmentMeta meta;
  meta.key = key;
  meta.node = node;
  meta.generation = generation;
  meta.level = origin.level;
  meta.replaces = origin.replaces;
  meta.log_mark = origin.log_mark;
  meta.blocks = static_cast<uint32_t>(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const BlockInfo& info = blocks[i].info;
    meta.rows += info.rows;
    meta.raw_bytes += info.raw_bytes;
    meta.time_min_ns = i == 0 ? info.time_min_ns : std::min(meta.time_min_ns, info.time_min_ns);
    meta.time_max_ns = i == 0 ? info.time_max_ns : std::max(meta.time_max_ns, info.time_max_ns);
    meta.arrival_min = i == 0 ? info.arrival_min : std::min(meta.arrival_min, info.arrival_min);
    meta.arrival_max = i == 0 ? info.arrival_max : std::max(meta.arrival_max, info.arrival_max);
  }
  TRY_ASSIGN(std::unique_ptr<ObjectUpload> upload, store.upload(key));
  SegmentWriter writer(std::move(upload));
  TRY(writer.write_header());
  TRY(writer.write_id_lists(blocks));
  for (size_t begin = 0; begin < blocks.size();) {
    size_t end = begin;
    uint64_t bytes = 0;
    for (; end < blocks.size() && end - begin < kBlocksPerStripe; ++end) {
      bytes += blocks[end].narrow_bytes + blocks[end].heap_bytes;
      if (end > begin && bytes > kStripeBytes) break;
    }
    TRY(writer.write_stripe(blocks, begin, end));
    begin = end;
  }
  TRY(writer.write_tail(blocks, origin.terms, &meta));
  if (!origin.is_past) store.keep(key, writer.id_table().offset, writer.id_table().size);
  return meta;
}

}  // namespace cordwood
