// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

class ByteReader;

/// Of a hash and a number of buckets.
__extension__ using Wide = unsigned __int128;

/// Which blocks of a segment hold an id.  An id's place is where its hash stands among all hashes, in units of which a
/// bucket has 2^remainder_bits.  Groups stand in ascending order of their places in buckets of 512 bytes, each to be
/// read and trusted alone; what does not fit into its bucket flows over into the next ones.  So an id's group is in one
/// of the `reach` buckets from its own on, which are read at once.
///     bucket = checksum u32  groups u16, flooded u16 (not 0)  first place u64  bits(groups)
///     group  = places after the group before  block (block_bits)  (1 block)*  0
/// A group is one id: block numbers in ascending order, or the one number that stands for `common`: in too many blocks
/// to tell.  The places between groups are written in Rice's code.
///
/// Version 1 had a chain of buckets in an overflow area behind the others, and remainders without order.
struct IdTableShape {
  static constexpr uint32_t kBucketBytes = 512;
  static constexpr uint32_t kHeadBytes = 16;
  static constexpr uint32_t kPayloadBits = (kBucketBytes - kHeadBytes) * 8;
  static constexpr uint32_t kMaxBuckets = 1u << 24;
  static constexpr uint32_t kMaxReach = 64;       ///< beyond it nothing flows: ids that fall so together were made to
  static constexpr uint32_t kRemainderBits = 27;  ///< of those written today: about 1 absent id of a million is found
  static constexpr uint32_t kUnaryBits = 7;       ///< of these, in the part of Rice's code that stands as ones
  static constexpr uint32_t kCommonBlocks = 64;   ///< an id in more blocks is common
  static constexpr uint8_t kChains = 1;           ///< versions
  static constexpr uint8_t kFlows = 2;
  uint8_t version = kFlows;
  uint8_t hash_bits = 0;  ///< so many top bits of an id's hash are known
  uint8_t remainder_bits = kRemainderBits;
  uint8_t block_bits = 0;
  uint32_t buckets = 0;
  uint32_t overflow = 0;  ///< buckets behind these; by version: of the overflow area, or that the last ones flow into
  uint32_t reach = 1;
  uint64_t ids = 0;      ///< groups
  uint64_t entries = 0;  ///< block numbers
  uint32_t common_block() const { return (1u << block_bits) - 1; }
  uint64_t bytes() const { return (uint64_t{buckets} + overflow) * kBucketBytes; }
  /// Whether a reader can work with it.
  bool valid() const;
  /// Of today's version.
  void encode(std::string* out) const;
  /// Of any version; corrupt when it is not valid.
  static Result<IdTableShape> decode(ByteReader* in);
};

/// Where the id is looked for; ascends with its hash.  Top bits: number of the bucket.
uint64_t id_place(uint64_t hash, const IdTableShape& shape);
inline uint32_t id_bucket(uint64_t place, const IdTableShape& shape) {
  return static_cast<uint32_t>(place >> shape.remainder_bits);
}

/// Puts groups into one bucket of today's version.
class IdBucketWriter {
 public:
  explicit IdBucketWriter(const IdTableShape& shape) : shape_(shape) {}
  /// Places and blocks ascending.  False when it does not fit any more.
  bool add(uint64_t place, const std::vector<uint32_t>& blocks);
  /// An id that flows through it found no room within reach.
  void flood() { flooded_ = true; }
  /// The bucket's bytes; then it is empty again.
  std::string finish(uint64_t number);

 private:
  void put(uint64_t value, uint32_t bits);

  IdTableShape shape_;
  std::string bits_;
  uint32_t used_ = 0;
  uint32_t groups_ = 0;
  uint64_t first_ = 0;
  uint64_t last_ = 0;
  bool flooded_ = false;
};
/// Bits that an id in so many blocks takes on average.
uint64_t id_group_bits(const IdTableShape& shape, size_t blocks);
/// Bits of a bucket that groups do not need beyond that.
uint32_t id_bucket_bits(const IdTableShape& shape);

/// The answer of one bucket.
struct IdMatch {
  bool anywhere = false;  ///< common, or the bucket is flooded
  std::vector<uint32_t> blocks;
  uint32_t next = 0;  ///< of a chain: overflow bucket to go on with, plus one
};
/// Adds what the bucket says of the id at `place`.  corrupt when it is not what was written.
Result<void> search_id_bucket(std::string_view bucket, uint64_t number, uint64_t place, const IdTableShape& shape,
                              IdMatch* match);

/// Buckets that lie one after the other.
struct IdBuckets {
  uint64_t number = 0;  ///< of the first
  uint64_t count = 0;
  uint64_t offset() const { return number * IdTableShape::kBucketBytes; }  ///< in the table
  uint64_t bytes() const { return count * IdTableShape::kBucketBytes; }
};
/// Those that are read for an id whose own bucket, or the next of its chain, is `number`.
IdBuckets id_buckets(uint64_t number, const IdTableShape& shape);
/// search_id_bucket() in all of them.
Result<void> search_id_buckets(std::string_view bytes, const IdBuckets& buckets, uint64_t place,
                               const IdTableShape& shape, IdMatch* match);
/// Whether another try may read it; the one who waits for it is not to take it for damage.
bool is_away(const Error& error);
bool is_away(const Result<std::string>& read);

/// One group of a bucket.
struct IdGroup {
  uint64_t place = 0;
  bool common = false;
  std::vector<uint32_t> blocks;  ///< ascending; none when it is common
};
/// Appends the groups of a bucket of today's version, in order.  corrupt when it is not what was written; invalid when
/// it is flooded: ids are missing that may be in any block.
Result<void> read_id_groups(std::string_view bucket, uint64_t number, const IdTableShape& shape,
                            std::vector<IdGroup>* groups);

}  // namespace cordwood
