// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/base/result.h"

namespace cordwood::query {

/// Sums of a block's counts by series and bucket.  A count table has some for each stream and bucket; so they are
/// added up here first, where it takes next to nothing.
class CountSums {
 public:
  struct Sum {
    uint64_t rows = 0;
    uint64_t line_bytes = 0;  ///< 0 where nobody counts them
  };

  /// Begins a table of so many neighbouring buckets.  There is a place for no series if they are too many.
  void begin(size_t buckets) {
    buckets_ = buckets;
    series_.clear();
    sums_.clear();
  }
  static constexpr uint32_t kNoPlace = UINT32_MAX;
  /// The place of a series' sums; kNoPlace when there is no room for it.
  uint32_t place(uint32_t series) {
    for (uint32_t i = 0; i < series_.size(); ++i)
      if (series_[i] == series) return i;
    if (series_.size() == kMostSeries || (series_.size() + 1) * buckets_ > kMostSums) return kNoPlace;
    series_.push_back(series);
    sums_.resize(series_.size() * buckets_);
    return static_cast<uint32_t>(series_.size() - 1);
  }
  void add(uint32_t place, size_t bucket, Sum count) {
    Sum& sum = sums_[place * buckets_ + bucket];
    sum.rows += count.rows;
    sum.line_bytes += count.line_bytes;
  }
  /// Calls `take(series, bucket, sum)` for each that has rows, bucket by bucket.
  template <typename Take>
  Result<void> for_each(const Take& take) const {
    for (size_t bucket = 0; bucket < buckets_; ++bucket) {
      for (size_t i = 0; i < series_.size(); ++i) {
        const Sum& sum = sums_[i * buckets_ + bucket];
        if (sum.rows != 0) TRY(take(series_[i], bucket, sum));
      }
    }
    return {};
  }

 private:
  static constexpr size_t kMostSeries = 64;
  static constexpr size_t kMostSums = 4096;
  size_t buckets_ = 0;
  std::vector<uint32_t> series_;
  std::vector<Sum> sums_;  ///< by series, then by bucket
};

}  // namespace cordwood::query
