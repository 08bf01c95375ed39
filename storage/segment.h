// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/object_store.h"
#include "storage/block_builder.h"

namespace cordwood {

class SegmentIndex;
class SegmentTerms;
class SegmentTermsOpener;
class StreamRegistry;
struct IdLists;

/// What the catalog knows of a segment; enough to leave it out of a query without touching it.
struct SegmentMeta {
  std::string key;  ///< object name, unique per attempt
  uint64_t size_bytes = 0;
  uint64_t tail_bytes = 0;  ///< what is read when it is opened: from the directory of the filters to the end
  std::string node;
  uint64_t generation = 0;
  uint32_t level = 0;
  uint32_t blocks = 0;
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  int64_t time_min_ns = 0;
  int64_t time_max_ns = 0;
  uint64_t arrival_min = 0;
  uint64_t arrival_max = 0;
  std::vector<std::string> replaces;  ///< keys of the segments it was merged from
  uint64_t log_mark = 0;              ///< level 0: of the WalLog whose rows it has

  void encode(std::string* out) const;
  static Result<SegmentMeta> decode(ByteReader* in);
};

/// Reads ranges of the place where blocks lie.  Thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual Result<std::string> read(uint64_t offset, uint64_t size) const = 0;
  /// ObjectStore::will_get().
  virtual void will_read(ObjectRange /*range*/) const {}
  /// ObjectStore::is_far().
  virtual bool is_far() const { return false; }
  /// ObjectStore::get_near().
  virtual Result<ObjectBytes> read_near(ObjectRange wanted, ObjectRange /*around*/) const {
    TRY_ASSIGN(std::string bytes, read(wanted.offset, wanted.size));
    return ObjectBytes{wanted.offset, std::move(bytes)};
  }
};
std::shared_ptr<const ByteSource> object_source(ObjectStore& store, std::string key);
std::shared_ptr<const ByteSource> file_source(std::shared_ptr<File> file);
std::shared_ptr<const ByteSource> memory_source(std::string bytes);

/// What a block of a segment shares with its other blocks.
struct SegmentShare {
  std::shared_ptr<const SegmentIndex> index;  ///< answers may_hold(); null: nothing is known
  uint32_t number = 0;                        ///< of the block, in the segment
  std::shared_ptr<const IdLists> ids;         ///< null: none
  std::shared_ptr<const SegmentTerms> terms;  ///< answers for field values; null: nothing is known
};

/// A sealed block outside a segment (spilled or in memory): `narrow` at narrow_offset and `heap` at heap_offset of
/// `source`.  corrupt when `entry` is malformed.  `in_head` is what BlockSource::in_head() answers.
Result<BlockSourcePtr> open_block(const TenantId& tenant, std::vector<StreamPtr> streams, std::string entry,
                                  std::shared_ptr<const ByteSource> source, uint64_t narrow_offset,
                                  uint64_t heap_offset, bool in_head, const SegmentShare& segment = {});

/// Where a spilled block lies, for assembling a segment by copying.
struct SpilledBlock {
  BlockInfo info;
  std::string entry;
  std::shared_ptr<const ByteSource> source;
  uint64_t narrow_offset = 0, narrow_bytes = 0;
  uint64_t heap_offset = 0, heap_bytes = 0;
  uint64_t index_offset = 0, index_bytes = 0;  ///< EncodedBlock::index; of no bytes: the block is never ruled out
};

/// What a segment tells of where it comes from.
struct SegmentOrigin {
  uint32_t level = 0;
  std::vector<std::string> replaces;
  std::string terms;  ///< the Xapian part (segment_terms.h); may be empty
  /// Its days are over, and so it is not one of many that each new question asks.
  bool is_past = false;
  uint64_t log_mark = 0;  ///< not of a merged one
};

/// Writes one segment object from spilled blocks: stripes of at most 16 blocks or 1 MB, narrow pieces first, then tail.
/// The object is durable on success, but published by the manifest alone.
Result<SegmentMeta> write_segment(ObjectStore& store, const std::string& key, const std::string& node,
                                  uint64_t generation, const std::vector<SpilledBlock>& blocks,
                                  const SegmentOrigin& origin = {});

/// An open segment: its tail, parsed.  Immutable, thread-safe.  Blocks share ownership of what they need.
class Segment {
 public:
  virtual ~Segment() = default;
  /// Reads the tail (one ranged read).  corrupt, or invalid for an unknown version or required feature bit.  Without
  /// `terms` the Xapian part is left alone; with `registry` its streams are the registered ones, so that those of many
  /// segments take memory once.
  static Result<std::shared_ptr<const Segment>> open(ObjectStore& store, const SegmentMeta& meta,
                                                     SegmentTermsOpener* terms = nullptr,
                                                     StreamRegistry* registry = nullptr);
  virtual const SegmentMeta& meta() const = 0;
  virtual const std::vector<BlockSourcePtr>& blocks() const = 0;
  /// Streams of the whole segment, each once.
  virtual const std::vector<StreamPtr>& streams() const = 0;
  virtual uint64_t memory_bytes() const = 0;
  /// Null: there is none, or it is damaged.
  virtual std::shared_ptr<const SegmentIndex> index() const = 0;
};

/// Reads a meta back from a segment's own footer (repair, inspect).
Result<SegmentMeta> read_segment_meta(ObjectStore& store, const std::string& key);

}  // namespace cordwood
