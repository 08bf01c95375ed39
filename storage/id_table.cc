// SPDX-License-Identifier: Apache-2.0
#include "storage/id_table.h"

#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

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
  bool failed() const { return failed_; }

 private:
  std::string_view bytes_;
  uint64_t at_ = 0;
  bool failed_ = false;
};

uint32_t bucket_checksum(std::string_view body, uint64_t number) {
  return static_cast<uint32_t>(xxh3_64(body, number));
}

}  // namespace

bool IdTableShape::valid() const {
  return remainder_bits >= 1 && remainder_bits <= 24 && block_bits >= 1 && block_bits <= 24 && buckets <= kMaxBuckets &&
         overflow <= kMaxBuckets && (buckets > 0 || overflow == 0);
}

IdPlace id_place(uint64_t id, const IdTableShape& shape) {
  // Both come from one product, so that hashes in ascending order fill buckets and remainders in order.
  const uint64_t product = id * shape.buckets;  // 40 and at most 24 bits
  IdPlace place;
  place.bucket = static_cast<uint32_t>(product >> kIdHashBits);
  const uint64_t fraction = product & ((uint64_t{1} << kIdHashBits) - 1);
  place.remainder = static_cast<uint32_t>(fraction >> (kIdHashBits - shape.remainder_bits));
  return place;
}

uint64_t id_group_bits(const IdTableShape& shape, size_t blocks) {
  return shape.remainder_bits + blocks * (shape.block_bits + 1u);
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

bool IdBucketWriter::add(uint32_t remainder, const std::vector<uint32_t>& blocks) {
  const bool common = blocks.size() > IdTableShape::kCommonBlocks;
  if (used_ + id_group_bits(shape_, common ? 1 : blocks.size()) > IdTableShape::kPayloadBits) return false;
  put(remainder, shape_.remainder_bits);
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

std::string IdBucketWriter::finish(uint64_t number, uint32_t next) {
  std::string body;
  ByteWriter w(&body);
  w.u32(next);
  w.u16(static_cast<uint16_t>(groups_));
  bits_.resize(IdTableShape::kBucketBytes - IdTableShape::kHeadBytes);
  w.bytes(bits_);
  std::string out;
  ByteWriter(&out).u32(bucket_checksum(body, number));
  out += body;
  bits_.clear();
  used_ = groups_ = 0;
  return out;
}

Result<void> search_id_bucket(std::string_view bucket, uint64_t number, uint32_t remainder, const IdTableShape& shape,
                              IdMatch* match) {
  if (bucket.size() != IdTableShape::kBucketBytes) return Error::corrupt("id bucket: wrong size");
  ByteReader in(bucket);
  const uint32_t stored = in.u32();
  if (checksum_differs(stored, bucket_checksum(bucket.substr(4), number)))
    return Error::corrupt("id bucket: checksum differs");
  match->next = in.u32();
  const uint32_t groups = in.u16();
  BitReader bits(bucket.substr(IdTableShape::kHeadBytes));
  for (uint32_t g = 0; g < groups && !bits.failed(); ++g) {
    const bool wanted = bits.get(shape.remainder_bits) == remainder;
    bool more = true;
    while (more && !bits.failed()) {
      const uint32_t block = bits.get(shape.block_bits);
      more = bits.get(1) != 0;
      if (!wanted || bits.failed()) continue;
      if (block == shape.common_block()) {
        match->common = true;
      } else {
        match->blocks.push_back(block);
      }
    }
  }
  if (bits.failed()) return Error::corrupt("id bucket: ends early");
  return {};
}

}  // namespace cordwood
