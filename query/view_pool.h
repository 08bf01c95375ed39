// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/block_view.h"

namespace cordwood::query {

/// Sealed blocks that queries opened lately, with all that was read and unpacked of them: the panels of a dashboard ask
/// for the same ones.  A view is one query's at a time; of a block that several read at once there are several.  When
/// there is no room, those that were given back longest ago lose what takes much of it, and then, when they are the
/// greater part, go.  Thread-safe; outlives the reads.
class ViewPool {
 public:
  /// `max_bytes` of the share for caches; 0: none is kept.
  ViewPool(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics);

  /// What one query opens and gives back: the first ones as they are, more of them without what takes room.  Once that
  /// is three quarters of the room it neither takes views nor leaves any: one that reads everything once must not drive
  /// out what others come back for.  Thread-safe; outlives its views.
  class Read {
   public:
    /// `pool` may be null.
    explicit Read(ViewPool* pool) : pool_(pool) {}
    struct Return {
      Read* read = nullptr;  ///< null: the view dies
      BlockSourcePtr source;
      const RowBits* kept = nullptr;
      void operator()(BlockView* view) const;
    };
    using View = std::unique_ptr<BlockView, Return>;
    /// As BlockSource::open_with_gaps().
    Result<View> open(const BlockSourcePtr& source, ReadStats* stats, const RowBits** kept);

   private:
    bool takes_part() const { return pool_ != nullptr && left_bytes_ < pool_->max_bytes_ / 4 * 3; }
    void give_back(std::unique_ptr<BlockView> view, const Return& how);
    ViewPool* pool_;
    std::atomic<uint64_t> left_bytes_{0};
  };
  using View = Read::View;

 private:
  struct Entry {
    std::weak_ptr<const BlockSource> source;
    const BlockSource* key = nullptr;
    std::unique_ptr<BlockView> view;
    const RowBits* kept = nullptr;  ///< lives as long as the source
    bool slim = false;
    uint64_t bytes = 0;
    MemoryReservation memory;  ///< of the bytes, while it is in the pool
  };
  using Entries = std::list<Entry>;
  Entries take(const BlockSource* source) EXCLUDES(mu_);
  void put(Entries entries) EXCLUDES(mu_);
  /// Adds the first of some entries.  Those that must leave for it are moved to others: to be made slim, or to die.
  void add_first(Entries* entries, Entries* to_slim, Entries* gone) EXCLUDES(mu_);
  /// Moves an entry to the end of a list.
  void move(Entries::iterator entry, Entries* to) REQUIRES(mu_);
  /// Those whose block is gone.
  void move_expired(Entries* to) REQUIRES(mu_);
  Entries& list_of(bool slim) REQUIRES(mu_) { return slim ? slim_ : whole_; }

  const uint64_t max_bytes_;
  MemoryAccountant& memory_;
  Counter& reused_;
  Mutex mu_;
  Entries whole_ GUARDED_BY(mu_);  ///< the latest first, as the next
  Entries slim_ GUARDED_BY(mu_);
  std::unordered_multimap<const BlockSource*, Entries::iterator> places_ GUARDED_BY(mu_);
  size_t puts_ GUARDED_BY(mu_) = 0;  ///< since all entries were looked at
  uint64_t bytes_ GUARDED_BY(mu_) = 0;
  uint64_t slim_bytes_ GUARDED_BY(mu_) = 0;  ///< of them
};

}  // namespace cordwood::query
