// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

/// Which blocks of a segment hold an id.  A bucket of 512 bytes is found by the top bits of the id's hash and can be
/// read and trusted alone; what does not fit goes on in a bucket of the overflow area behind the others.
///     bucket = checksum u32  next u32 (number in the overflow area plus one; 0: none)  groups u16  bits(groups)
///     group  = remainder (remainder_bits)  block (block_bits)  (1 block)*  0
/// A group is one id: block numbers in ascending order, or the one number that stands for `common`: in too many blocks
/// to tell.
struct IdTableShape {
  static constexpr uint32_t kBucketBytes = 512;
  static constexpr uint32_t kHeadBytes = 10;
  static constexpr uint32_t kPayloadBits = (kBucketBytes - kHeadBytes) * 8;
  static constexpr uint32_t kMaxBuckets = 1u << 24;
  static constexpr uint32_t kRemainderBits = 15;  ///< of those written today
  static constexpr uint32_t kCommonBlocks = 64;   ///< an id in more blocks is common
  uint8_t remainder_bits = kRemainderBits;
  uint8_t block_bits = 0;
  uint32_t buckets = 0;
  uint32_t overflow = 0;  ///< buckets of the overflow area
  uint64_t ids = 0;       ///< groups
  uint64_t entries = 0;   ///< block numbers
  uint32_t common_block() const { return (1u << block_bits) - 1; }
  uint64_t bytes() const { return (uint64_t{buckets} + overflow) * kBucketBytes; }
  /// Whether a reader can work with it.
  bool valid() const;
};

/// Where the id with this hash is looked for.  Ascending with the hash's top 40 bits.
struct IdPlace {
  uint32_t bucket = 0;
  uint32_t remainder = 0;
};
/// `id`: the top 40 bits of id_hash().
IdPlace id_place(uint64_t id, const IdTableShape& shape);

/// Puts groups into one bucket.
class IdBucketWriter {
 public:
  explicit IdBucketWriter(const IdTableShape& shape) : shape_(shape) {}
  /// Blocks ascending.  False when it does not fit any more.
  bool add(uint32_t remainder, const std::vector<uint32_t>& blocks);
  bool empty() const { return groups_ == 0; }
  /// The bucket's bytes; then it is empty again.  `number` counts buckets, then those of the overflow area.
  std::string finish(uint64_t number, uint32_t next);

 private:
  void put(uint64_t value, uint32_t bits);

  IdTableShape shape_;
  std::string bits_;
  uint32_t used_ = 0;
  uint32_t groups_ = 0;
};
/// Bits that an id in so many blocks takes.
uint64_t id_group_bits(const IdTableShape& shape, size_t blocks);

/// The answer of one bucket.
struct IdMatch {
  bool common = false;
  std::vector<uint32_t> blocks;
  uint32_t next = 0;  ///< overflow bucket to go on with, plus one
};
/// Adds what the bucket says of the remainder.  corrupt when it is not what was written.
Result<void> search_id_bucket(std::string_view bucket, uint64_t number, uint32_t remainder, const IdTableShape& shape,
                              IdMatch* match);

}  // namespace cordwood
