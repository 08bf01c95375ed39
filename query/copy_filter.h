// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <unordered_set>
#include <utility>

#include "query/open_block.h"

namespace cordwood::query {

/// Leaves out copies of rows when blocks are read one after another instead of merged.  prepare() reads the times
/// where blocks of a stream overlap; only rows whose (stream, time) stands in two blocks are compared at all.
class CopyFilter {
 public:
  CopyFilter(const QueryScope& scope, const ReadPlan& plan) : scope_(scope), plan_(plan) {}
  Result<void> prepare();
  /// Whether any row needs a look: of contested blocks, which must then be read in order of arrival.
  bool active() const { return !shared_.empty(); }
  /// True when an equal row was asked about before.
  Result<bool> is_copy(BlockView& view, uint32_t row, uint32_t ordinal, int64_t time_ns);

 private:
  struct Seen {
    uint32_t ordinal;
    int64_t time_ns;
    uint32_t block;
  };
  Result<void> add_contested(const OpenBlock& block, const RowSpan& span, uint32_t number, std::vector<Seen>* rows);
  struct Place {
    uint32_t ordinal;
    int64_t time_ns;
    bool operator==(const Place&) const = default;
  };
  struct PlaceHash {
    size_t operator()(const Place& p) const {
      const auto bits = static_cast<uint64_t>(p.time_ns) ^ (static_cast<uint64_t>(p.ordinal) << 40);
      return bits * 0x9E3779B97F4A7C15ULL >> 8;
    }
  };

  const QueryScope& scope_;
  const ReadPlan& plan_;
  std::unordered_set<Place, PlaceHash> shared_;
  std::set<std::pair<std::pair<uint32_t, int64_t>, Hash128>> seen_;
};

}  // namespace cordwood::query
