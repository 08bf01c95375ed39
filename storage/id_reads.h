// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

class SegmentIndex;

/// The reads of id tables that a question to many blocks takes, gathered first and then made at once: one after the
/// other, each would wait for the store.  What they find is remembered where the blocks look first.
class IdReads {
 public:
  static constexpr size_t kParallel = 16;  ///< of one question

  /// Those that may_hold() of a block of this segment would make, where the store is far.
  void add(const std::shared_ptr<const SegmentIndex>& index, uint32_t block, const TextProbe& probe);
  /// What cannot be read now is asked for again by the blocks.  On the thread of the question: its patience holds.
  void run(ReadStats* stats);
  size_t size() const { return wanted_.size(); }

 private:
  using Wanted = std::pair<std::shared_ptr<const SegmentIndex>, uint64_t>;  ///< a segment and an id

  std::set<Wanted> wanted_;
  std::vector<uint64_t> ids_;
};

}  // namespace cordwood
