// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "query/kept_entries.h"
#include "query/numbered_texts.h"
#include "query/series_table.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/block_view.h"

namespace cordwood::query {

/// What one question counted in blocks, by series and cell of its windows: blocks do not change, so the next to ask
/// adds up what is here.  Thread-safe.
class BlockSums {
 public:
  struct Part {
    uint32_t series = 0;  ///< number of its key here
    uint32_t sum = 0;
  };
  /// Parts of one cell.
  struct Cell {
    int64_t time_ns = 0;  ///< some time in it
    size_t end = 0;       ///< of its parts, which begin where those of the cell before end
  };
  static constexpr int64_t kWhole = std::numeric_limits<int64_t>::min();
  struct OfBlock {
    int64_t from_ns = kWhole;  ///< rows of this time or later are counted
    std::vector<Part> parts;
    std::vector<Cell> cells;
  };
  /// Beyond `max_bytes` nothing more is kept, or all that is known goes where a question's range moves on.
  explicit BlockSums(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when nothing is known of the block.
  std::shared_ptr<const OfBlock> find(const BlockSourcePtr& block) const;
  /// The series of `counted` are by numbers of the table.
  void keep(const BlockSourcePtr& block, const SeriesTable& table, OfBlock counted);
  /// The key of every series here, by number.
  template <typename Take>
  void for_each_key(Take&& take) const {
    std::string key;
    const MutexLock lock(mu_);
    for (uint32_t number = 0; number < keys_.size(); ++number) {
      key.clear();
      keys_.append(number, &key);
      take(number, std::string_view(key));
    }
  }
  /// The number of a series here, if it has one.
  std::vector<std::optional<uint32_t>> numbers_of(const SeriesTable& table) const;
  std::string key(uint32_t number) const;
  /// False when certainly no series' labels tell of an error.
  bool may_have_errors() const;
  uint64_t memory_bytes() const;

 private:
  struct Known {
    std::weak_ptr<const BlockSource> block;  ///< which may go
    std::shared_ptr<const OfBlock> sums;
  };
  static uint64_t bytes_of(const OfBlock& sums);
  void prune() REQUIRES(mu_);
  void forget_blocks() REQUIRES(mu_);

  const uint64_t max_bytes_;
  mutable Mutex mu_;
  NumberedTexts keys_ GUARDED_BY(mu_);
  bool has_errors_ GUARDED_BY(mu_) = false;
  std::unordered_map<const BlockSource*, Known> blocks_ GUARDED_BY(mu_);
  size_t prune_at_ GUARDED_BY(mu_) = 64;
  uint64_t bytes_ GUARDED_BY(mu_) = sizeof(BlockSums);
};

/// The sums of questions that were asked more than once.  Those asked for longest ago go first.  Thread-safe.
class KeptSums {
 public:
  /// `memory` and `metrics` outlive it.  At `max_bytes` 0 nothing is kept.
  KeptSums(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics);

  /// `question` names all that counts depend on but the block.  Null when it was not asked lately.
  std::shared_ptr<BlockSums> find(const std::string& question);
  /// To be told when an execution is through: makes room for what it added, and counts the blocks that it took from
  /// here.
  void finish(const std::string& question, const std::shared_ptr<BlockSums>& sums, uint64_t blocks);

 private:
  static constexpr size_t kAskedOnce = 256;
  static constexpr uint64_t kShare = 2;  ///< no question takes more than this share of the room

  const uint64_t max_bytes_;
  Counter& blocks_;
  Mutex mu_;
  KeptEntries<BlockSums> entries_ GUARDED_BY(mu_);
  std::array<uint64_t, kAskedOnce> asked_ GUARDED_BY(mu_){};  ///< hashes of questions that were asked, a ring
  size_t next_asked_ GUARDED_BY(mu_) = 0;
};

}  // namespace cordwood::query
