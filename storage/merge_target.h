// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/day_ids.h"
#include "storage/segment.h"
#include "storage/snapshot.h"

namespace cordwood {

/// The published segments as somebody who replaces some of them by others sees them.  Thread-safe, but only one
/// thread at a time may replace.
class MergeTarget {
 public:
  virtual ~MergeTarget() = default;

  /// All of one moment.
  struct State {
    SnapshotPtr snapshot;
    std::vector<std::shared_ptr<const Segment>> segments;
    std::vector<SegmentMeta> unreadable;  ///< named by the catalog, but left out of every answer
    uint64_t first_unpublished = 0;       ///< segments of this generation and later ones are not to be touched yet:
                                          ///< rows that arrived before theirs may be on their way
    uint64_t catalog_version = 0;
    std::string node;  ///< whose segments they are
    /// Ascending arrivals; a block must not come to have rows of both sides of one, as long as it stands here.
    std::vector<uint64_t> arrival_cuts;
    uint64_t holds_version = 0;                          ///< grows with every change of what is held
    std::vector<std::shared_ptr<const DayIds>> day_ids;  ///< common id tables that are in use
  };
  virtual State merge_state() const = 0;

  /// Opens `added` (durable objects), puts them in the place of the published segments `removed` by one catalog
  /// change, and swaps them for new snapshots in one step.  Objects of removed segments go when no snapshot names
  /// them any more.  invalid when one of `removed` is not published.  After another error of the catalog the change
  /// may have been made: settle() must succeed before anything else is replaced, and the objects must stay.
  enum class Replaced : uint8_t { done, unsettled };
  /// `holds_version`: when rows were left out, the state's by which that was decided; cancelled when it has changed.
  virtual Result<Replaced> replace(std::vector<SegmentMeta> added, std::vector<std::string> removed,
                                   std::optional<uint64_t> holds_version = std::nullopt) = 0;
  /// Has ids looked for in a common table (a durable object) from now on, in the place of those of its segments.  It
  /// goes, like replaced segments, with the first of them that is removed.  Otherwise like replace().
  virtual Result<Replaced> set_day_ids(DayIdsMeta table) = 0;
  /// Offers again the change of a replace() or set_day_ids() that was left unsettled.
  virtual Result<void> settle() = 0;
};

}  // namespace cordwood
