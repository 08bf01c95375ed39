// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/block_view.h"
#include "storage/day_ids_meta.h"
#include "storage/recent_answers.h"
#include "storage/segment.h"

namespace cordwood {

class SegmentIndex;

/// A common id table as it is asked.  What was found lately is remembered.  Thread-safe.
class DayIds {
 public:
  DayIds(ObjectStore& store, DayIdsMeta meta);

  struct Found {
    uint64_t id = 0;
    /// `unknown`: in too many blocks to tell, or the table is damaged; each segment's own is to be asked.  `away`: it
    /// cannot be read at the moment.
    enum class Kind : uint8_t { known, unknown, away } kind = Kind::known;
    std::vector<uint32_t> blocks;  ///< ascending
  };
  /// `id`: its whole hash.  One read, unless it was asked lately.
  std::shared_ptr<const Found> look_up(uint64_t id, ReadStats* stats) const;
  /// Those of one part, as its segment numbers them.
  std::vector<uint32_t> blocks_of(const Found& found, uint32_t part) const;
  const DayIdsMeta& meta() const { return meta_; }
  /// A look-up found that it is not what was written, or is gone: it should be made again.
  bool damaged() const { return damaged_; }
  uint64_t memory_bytes() const;

 private:
  Found read(uint64_t id, ReadStats* stats) const;

  const DayIdsMeta meta_;
  const std::shared_ptr<const ByteSource> source_;
  std::vector<uint32_t> begins_;  ///< number of each part's first block
  mutable std::atomic<bool> damaged_{false};
  mutable RecentAnswers<Found, 64> recent_;
};

/// A segment whose own id table goes into a common one.
struct DayIdsSource {
  std::string segment;
  std::shared_ptr<const SegmentIndex> index;  ///< not null
};
/// Writes the common table of some segments from their own; reads those in chunks: memory is bounded however many ids
/// there are.  Durable on success, but published by the manifest alone.  corrupt or invalid, with `failed` set, when
/// one of the tables is damaged or cannot be joined; cancelled when stopped.
Result<DayIdsMeta> write_day_ids(ObjectStore& store, const std::string& key, const std::vector<DayIdsSource>& sources,
                                 const std::atomic<bool>& stop, size_t* failed);
/// Whether a table is of a kind that can be joined.
bool can_join_day_ids(const SegmentIndex& index);

}  // namespace cordwood
