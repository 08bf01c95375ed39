// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/block_view.h"

namespace cordwood {

class HeadBlock;

/// What was searched for in the lines of a head block: a dashboard asks again every few seconds, and only the rows that
/// came since are looked at.  Keeps the needles asked for last.  Thread-safe.
class HeadSearches {
 public:
  /// The rows below `rows`, which the block has, by arrival, whose line holds the needle.
  RowBits find(const HeadBlock& block, uint32_t rows, TextNeedle needle) EXCLUDES(mu_);

 private:
  static constexpr size_t kNeedles = 8;
  static constexpr size_t kMostNeedleBytes = 1024;
  struct Known {
    std::string text;
    bool folded = false;
    uint64_t asked = 0;  ///< rises with each question
    std::shared_ptr<const RowBits> found;
  };
  Known* find_known(TextNeedle needle) REQUIRES(mu_);
  void keep(TextNeedle needle, std::shared_ptr<const RowBits> found) EXCLUDES(mu_);

  Mutex mu_;
  std::vector<Known> known_ GUARDED_BY(mu_);
  uint64_t questions_ GUARDED_BY(mu_) = 0;
};

/// Sets the rows of [begin, end), by arrival, whose line holds the needle.
void search_head_lines(const HeadBlock& block, uint32_t begin, uint32_t end, TextNeedle needle, RowBits* found);

}  // namespace cordwood
