// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "storage/id_table.h"

namespace cordwood {

/// Of a segment, or of a day with a common table, less one: a number that none has tells them apart from all.
inline constexpr uint64_t kMaxListedBlocks = 1u << 24;

/// Writes the buckets of an id table of today's version in their order.
class IdTableWriter {
 public:
  using Append = std::function<Result<void>(std::string_view)>;
  /// What overflows finds room in the next bucket as long as buckets are not full on average.
  static constexpr double kMeanFill = 0.92;

  /// Both outlive it.  Of the shape, `buckets` and the bits must be set; the rest is counted.
  IdTableWriter(IdTableShape* shape, const Append& append) : shape_(shape), append_(append), bucket_writer_(*shape) {}

  /// Places ascending, each once; blocks ascending, more than kCommonBlocks of them stand for any.
  Result<void> add(uint64_t place, const std::vector<uint32_t>& blocks);
  Result<void> finish();

 private:
  Result<void> next_bucket() { return append_(bucket_writer_.finish(bucket_++)); }

  IdTableShape* shape_;
  const Append& append_;
  IdBucketWriter bucket_writer_;
  uint64_t bucket_ = 0;
};

}  // namespace cordwood
