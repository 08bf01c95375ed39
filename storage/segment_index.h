// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/block_index.h"
#include "storage/block_view.h"
#include "storage/id_table.h"
#include "storage/recent_answers.h"
#include "storage/segment.h"
#include "storage/segment_filters.h"
#include "storage/segment_format.h"
#include "storage/segment_index_directory.h"

namespace cordwood {

class DayIds;

/// Writes id table and filters of a segment from the indexes its blocks came with.  Reads those in chunks: memory
/// is bounded however many ids there are.
class SegmentIndexWriter {
 public:
  using Append = std::function<Result<void>(std::string_view)>;

  /// `blocks` must outlive it.  corrupt when an index is damaged; a block without one is never ruled out.
  static Result<SegmentIndexWriter> open(const std::vector<SpilledBlock>& blocks);
  Result<void> write_ids(const Append& append);
  Result<void> write_filters(const Append& append);
  /// After both.
  const SegmentIndexDirectory& directory() const { return directory_; }

 private:
  explicit SegmentIndexWriter(const std::vector<SpilledBlock>& blocks) : blocks_(&blocks) {}
  Result<double> bits_per_entry() const;

  const std::vector<SpilledBlock>* blocks_;
  std::vector<BlockIndexHeader> headers_;
  SegmentIndexDirectory directory_;
};

/// Answers BlockSource::may_hold() for the blocks of one segment.  Damage rules nothing out; ReadStats counts it.
/// Thread-safe.
class SegmentIndex {
 public:
  /// `ids_at_once`: each question asks it, so what takes long to get comes whole, up to kWholeTableBytes.
  SegmentIndex(SegmentIndexDirectory directory, const SegmentFooter& footer, std::shared_ptr<const ByteSource> source,
               bool ids_at_once = false);
  static constexpr uint64_t kWholeTableBytes = 8u << 20;
  /// `block`: its number in the segment's block index.
  Result<bool> may_hold(uint32_t block, const TextProbe& probe, ReadStats* stats) const;
  /// Numbers of the blocks that may hold one of some texts: as far as id tables tell, what is in memory, and filters
  /// that take few reads.
  RowBits locate_blocks(std::span<const TextProbe* const> any_of, ReadStats* stats) const;
  /// locate_blocks() is going to be asked: a disk may begin to read what that may take of the id table.
  void will_locate(std::span<const TextProbe* const> any_of) const;
  /// What it keeps of each block, but for ids.
  const SegmentFilters& filters() const { return filters_; }
  uint64_t memory_bytes() const { return filters_.memory_bytes(); }

  const IdTableShape& ids() const { return ids_; }
  uint32_t block_count() const { return filters_.block_count(); }
  /// Some buckets of the id table.
  Result<std::string> read_id_buckets(const IdBuckets& buckets) const;
  /// Ids are looked for in `table` from now on, where this segment is that part; null: in its own again.
  void join(std::shared_ptr<const DayIds> table, uint32_t part) const EXCLUDES(mu_);
  bool can_join(const DayIds& table, uint32_t part) const;
  std::shared_ptr<const DayIds> joined() const EXCLUDES(mu_);
  /// The look-ups of ids that may_hold() of this block would make now and that are not known yet: whole hashes.
  void ids_wanted(uint32_t block, const TextProbe& probe, std::vector<uint64_t>* out) const EXCLUDES(mu_);
  /// Makes one of them, which is remembered.
  void locate(uint64_t id, ReadStats* stats) const { (void)find(id, stats); }
  /// Whether a read takes long, so that many are better made at once.
  bool is_far() const { return source_->is_far(); }

 private:
  struct Lookup {
    uint64_t id = 0;
    bool anywhere = false;  ///< in too many blocks to tell, or the table is damaged
    bool for_now = false;   ///< or it cannot be read at the moment
    std::vector<uint32_t> blocks;
  };
  /// `id`: its whole hash.
  std::shared_ptr<const Lookup> find(uint64_t id, ReadStats* stats) const EXCLUDES(mu_);
  std::shared_ptr<const Lookup> known(uint64_t id) const {
    return recent_.find([id](const Lookup& recent) { return recent.id == id; });
  }
  Lookup look_up(uint64_t id, ReadStats* stats) const EXCLUDES(mu_);
  Lookup look_up_alone(uint64_t id, ReadStats* stats) const;
  using Lookups = std::vector<std::shared_ptr<const Lookup>>;
  /// Whether a block may have all ids of the probe; `found`: those that were looked up before.
  bool may_have_ids(uint32_t block, const TextProbe& probe, Lookups* found, ReadStats* stats) const;
  /// The hash by which this table has it.
  uint64_t hash_of(const TextProbe::Id& id) const;
  Result<std::string> read(uint64_t offset, uint64_t size, ReadStats* stats) const;
  Result<std::string> read_buckets(const IdBuckets& buckets, ReadStats* stats) const;

  const IdTableShape ids_;
  const SectionPlace id_section_;
  const std::shared_ptr<const ByteSource> source_;
  const SegmentFilters filters_;
  const bool ids_at_once_;
  mutable RecentAnswers<Lookup, 16> recent_;

  mutable Mutex mu_;
  mutable std::shared_ptr<const DayIds> joined_ GUARDED_BY(mu_);  ///< null: none
  mutable uint32_t part_ GUARDED_BY(mu_) = 0;                     ///< of it
};

}  // namespace cordwood
