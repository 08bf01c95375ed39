// SPDX-License-Identifier: Apache-2.0
#include "storage/id_table.h"

#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood {

namespace {

constexpr uint32_t kChainHeadBytes = 10;
constexpr uint8_t kChainHashBits = 40;  ///< what the hashes of ids had when tables were chains

/// Reads bits, low ones first, from bytes that may be damaged.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  uint32_t get(uint32_t bits) {
    uint32_t value = 0;
    for (uint32_t got = 0; got < bits;) {
      if (at_ >= bytes_.size() * 8) {
        failed_ = true;
        return 0;
      }
      const uint32_t shift = static_cast<uint32_t>(at_ % 8);
      const uint32_t take = std::min(8 - shift, bits - got);
      const uint32_t part = (static_cast<uint8_t>(bytes_[at_ / 8]) >> shift) & ((1u << take) - 1);
      value |= part << got;
      got += take;
      at_ += take;
    }
    return value;
  }
  /// Ones up to a zero, then `bits` more.
  uint64_t rice(uint32_t bits) {
    uint64_t ones = 0;
    while (get(1) != 0) ++ones;
    return ones << bits | get(bits);
  }
  bool failed() const { return failed_; }

 private:
  std::string_view bytes_;
  uint64_t at_ = 0;
  bool failed_ = false;
};

uint32_t bucket_checksum(std::string_view body, uint64_t number) {
  return static_cast<uint32_t>(xxh3_64(body, number));
}

uint32_t low_bits(const IdTableShape& shape) {
  return shape.remainder_bits - std::min<uint32_t>(shape.remainder_bits, IdTableShape::kUnaryBits);
}

/// Passes over a group's blocks; those of the wanted one are added.
void read_blocks(const IdTableShape& shape, bool wanted, BitReader* bits, IdMatch* match) {
  for (bool more = true; more && !bits->failed();) {
    const uint32_t block = bits->get(shape.block_bits);
    more = bits->get(1) != 0;
    if (!wanted || bits->failed()) continue;
    if (block == shape.common_block()) {
      match->anywhere = true;
    } else {
      match->blocks.push_back(block);
    }
  }
}

}  // namespace

bool IdTableShape::valid() const {
  return hash_bits >= 24 && hash_bits <= 48 && remainder_bits >= 1 && remainder_bits <= 32 &&
         remainder_bits <= hash_bits && block_bits >= 1 && block_bits <= 24 && buckets <= kMaxBuckets &&
         overflow <= kMaxBuckets && (buckets > 0 || overflow == 0) && reach >= 1 && reach <= kMaxReach;
}

void IdTableShape::encode(std::string* out) const {
  ByteWriter w(out);
  w.u8(version);
  w.u8(remainder_bits);
  w.u8(block_bits);
  w.u8(hash_bits);
  w.u8(static_cast<uint8_t>(reach));
  w.varint(buckets);
  w.varint(overflow);
  w.varint(ids);
  w.varint(entries);
}

Result<IdTableShape> IdTableShape::decode(ByteReader* in) {
  IdTableShape shape;
  shape.version = in->u8();
  const bool chains = shape.version == kChains;
  if (!chains && shape.version != kFlows) return Error::corrupt("id table: unknown version");
  shape.remainder_bits = in->u8();
  shape.block_bits = in->u8();
  shape.hash_bits = chains ? kChainHashBits : in->u8();
  shape.reach = chains ? 1 : in->u8();
  const uint64_t buckets = in->varint();
  const uint64_t overflow = in->varint();
  shape.ids = in->varint();
  shape.entries = in->varint();
  TRY(in->status("id table"));
  if (buckets > kMaxBuckets || overflow > kMaxBuckets) return Error::corrupt("id table: too many buckets");
  shape.buckets = static_cast<uint32_t>(buckets);
  shape.overflow = static_cast<uint32_t>(overflow);
  if (!shape.valid()) return Error::corrupt("id table: a number is out of range");
  return shape;
}

uint64_t id_place(uint64_t hash, const IdTableShape& shape) {
  return static_cast<uint64_t>(Wide{hash >> (64 - shape.hash_bits)} * shape.buckets >>
                               (shape.hash_bits - shape.remainder_bits));
}

uint64_t id_group_bits(const IdTableShape& shape, size_t blocks) {
  return low_bits(shape) + 1 + blocks * (shape.block_bits + 1u);
}

uint32_t id_bucket_bits(const IdTableShape& shape) {
  return 1u << (shape.remainder_bits - low_bits(shape));
}

void IdBucketWriter::put(uint64_t value, uint32_t bits) {
  for (uint32_t done = 0; done < bits;) {
    if (used_ % 8 == 0) bits_.push_back('\0');
    const uint32_t take = std::min(8 - used_ % 8, bits - done);
    const uint64_t part = value >> done & ((1u << take) - 1);
    bits_.back() = static_cast<char>(bits_.back() | part << used_ % 8);
    used_ += take;
    done += take;
  }
}

bool IdBucketWriter::add(uint64_t place, const std::vector<uint32_t>& blocks) {
  const bool common = blocks.size() > IdTableShape::kCommonBlocks;
  const uint64_t step = groups_ == 0 ? 0 : place - last_;
  const uint32_t low = low_bits(shape_);
  const uint64_t bits = (step >> low) + id_group_bits(shape_, common ? 1 : blocks.size());
  if (used_ + bits > IdTableShape::kPayloadBits) return false;
  if (groups_ == 0) first_ = place;
  last_ = place;
  for (uint64_t i = 0; i < step >> low; ++i) put(1, 1);
  put(0, 1);
  put(step & ((uint64_t{1} << low) - 1), low);
  if (common) {
    put(shape_.common_block(), shape_.block_bits);
    put(0, 1);
  } else {
    for (size_t i = 0; i < blocks.size(); ++i) {
      const uint64_t more = i + 1 < blocks.size() ? 1 : 0;
      put(more << shape_.block_bits | blocks[i], shape_.block_bits + 1u);
    }
  }
  ++groups_;
  return true;
}

std::string IdBucketWriter::finish(uint64_t number) {
  std::string body;
  ByteWriter w(&body);
  w.u16(static_cast<uint16_t>(groups_));
  w.u16(flooded_ ? 1 : 0);
  w.u64(first_);
  bits_.resize(IdTableShape::kBucketBytes - IdTableShape::kHeadBytes);
  w.bytes(bits_);
  std::string out;
  ByteWriter(&out).u32(bucket_checksum(body, number));
  out += body;
  *this = IdBucketWriter(shape_);
  return out;
}

Result<void> search_id_bucket(std::string_view bucket, uint64_t number, uint64_t place, const IdTableShape& shape,
                              IdMatch* match) {
  if (bucket.size() != IdTableShape::kBucketBytes) return Error::corrupt("id bucket: wrong size");
  ByteReader in(bucket);
  const uint32_t stored = in.u32();
  if (checksum_differs(stored, bucket_checksum(bucket.substr(4), number)))
    return Error::corrupt("id bucket: checksum differs");
  if (shape.version == IdTableShape::kChains) {
    match->next = in.u32();
    const uint32_t groups = in.u16();
    const uint64_t remainder = place & ((uint64_t{1} << shape.remainder_bits) - 1);
    BitReader bits(bucket.substr(kChainHeadBytes));
    for (uint32_t g = 0; g < groups && !bits.failed(); ++g)
      read_blocks(shape, bits.get(shape.remainder_bits) == remainder, &bits, match);
    if (bits.failed()) return Error::corrupt("id bucket: ends early");
    return {};
  }
  const uint32_t groups = in.u16();
  if (in.u16() != 0) match->anywhere = true;
  uint64_t at = in.u64();
  BitReader bits(bucket.substr(IdTableShape::kHeadBytes));
  for (uint32_t g = 0; g < groups && at <= place && !bits.failed(); ++g) {
    at += bits.rice(low_bits(shape));
    read_blocks(shape, at == place, &bits, match);
  }
  if (bits.failed()) return Error::corrupt("id bucket: ends early");
  return {};
}

IdBuckets id_buckets(uint64_t number, const IdTableShape& shape) {
  return {number, std::min<uint64_t>(shape.reach, uint64_t{shape.buckets} + shape.overflow - number)};
}

Result<void> search_id_buckets(std::string_view bytes, const IdBuckets& buckets, uint64_t place,
                               const IdTableShape& shape, IdMatch* match) {
  constexpr uint64_t kSize = IdTableShape::kBucketBytes;
  if (bytes.size() != buckets.bytes()) return Error::corrupt("id buckets: wrong size");
  for (uint64_t i = 0; i < buckets.count; ++i) {
    TRY(search_id_bucket(bytes.substr(i * kSize, kSize), buckets.number + i, place, shape, match));
  }
  return {};
}

bool is_away(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout || error.kind == ErrorKind::cancelled;
}

bool is_away(const Result<std::string>& read) {
  return !read.ok() && is_away(read.error());
}

Result<void> read_id_groups(std::string_view bucket, uint64_t number, const IdTableShape& shape,
                            std::vector<IdGroup>* groups) {
  if (bucket.size() != IdTableShape::kBucketBytes) return Error::corrupt("id bucket: wrong size");
  if (shape.version != IdTableShape::kFlows) return Error::invalid("id bucket: of an older version");
  ByteReader in(bucket);
  const uint32_t stored = in.u32();
  if (checksum_differs(stored, bucket_checksum(bucket.substr(4), number)))
    return Error::corrupt("id bucket: checksum differs");
  const uint32_t count = in.u16();
  if (in.u16() != 0) return Error::invalid("id bucket: it is flooded");
  uint64_t at = in.u64();
  const uint64_t places = uint64_t{shape.buckets} << shape.remainder_bits;
  BitReader bits(bucket.substr(IdTableShape::kHeadBytes));
  IdMatch match;
  for (uint32_t g = 0; g < count && !bits.failed(); ++g) {
    at += bits.rice(low_bits(shape));
    match.anywhere = false;
    match.blocks.clear();
    read_blocks(shape, true, &bits, &match);
    if (at >= places) return Error::corrupt("id bucket: a place is out of range");
    if (!bits.failed())
      groups->push_back({at, match.anywhere, match.anywhere ? std::vector<uint32_t>() : match.blocks});
  }
  if (bits.failed()) return Error::corrupt("id bucket: ends early");
  return {};
}

}  // namespace cordwood
