// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_index_directory.h"

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/bloom_filter.h"

namespace cordwood {

void SegmentIndexDirectory::encode(std::string* out) const {
  const size_t begin = out->size();
  ids.encode(out);
  ByteWriter w(out);
  w.varint(blocks.size());
  for (const BlockTextFacts& facts : blocks) {
    w.varint(facts.flags);
    w.varint(facts.hex_lengths);
    w.varint(facts.token_blocks);
    w.varint(facts.gram_blocks);
  }
  w.u32(static_cast<uint32_t>(out->size() - begin));
  w.u64(xxh3_64(std::string_view(*out).substr(begin)));
}

Result<uint64_t> SegmentIndexDirectory::encoded_bytes(std::string_view trailer, const SegmentFooter& footer) {
  if (trailer.size() < kTrailerBytes) return Error::corrupt("index directory: too short");
  const uint64_t size = ByteReader(trailer.substr(trailer.size() - kTrailerBytes)).u32();
  if (size + kTrailerBytes > footer.sections[kFilterSection].size)
    return Error::corrupt("index directory: larger than its section");
  return size + kTrailerBytes;
}

Result<SegmentIndexDirectory> SegmentIndexDirectory::decode(std::string_view bytes, const SegmentFooter& footer) {
  TRY_ASSIGN(const uint64_t size, encoded_bytes(bytes, footer));
  if (size > bytes.size()) return Error::corrupt("index directory: begins before the tail");
  bytes.remove_prefix(bytes.size() - size);
  const std::string_view checked = bytes.substr(0, bytes.size() - 8);
  if (checksum_differs(ByteReader(bytes.substr(checked.size())).u64(), xxh3_64(checked)))
    return Error::corrupt("index directory: checksum differs");
  ByteReader in(bytes.substr(0, bytes.size() - kTrailerBytes));
  SegmentIndexDirectory d;
  TRY_ASSIGN(d.ids, IdTableShape::decode(&in));
  const uint64_t blocks = in.count(4);
  d.blocks.reserve(blocks);
  for (uint64_t i = 0; i < blocks; ++i) {
    const uint64_t flags = in.varint();
    const uint64_t lengths = in.varint();
    const uint64_t tokens = in.varint();
    const uint64_t grams = in.varint();
    if (flags > UINT32_MAX || lengths > UINT32_MAX || tokens > kMaxBloomBlocks || grams > kMaxBloomBlocks)
      return Error::corrupt("index directory: a number is out of range");
    d.blocks.push_back({static_cast<uint32_t>(flags), static_cast<uint32_t>(lengths), static_cast<uint32_t>(tokens),
                        static_cast<uint32_t>(grams)});
  }
  TRY(in.finish("index directory"));
  const uint64_t filters = d.place_filters((footer.features & kFeatureSlices) != 0);
  if (d.ids.bytes() != footer.sections[kIdTableSection].size ||
      filters + size != footer.sections[kFilterSection].size) {
    return Error::corrupt("index directory: does not fit its sections");
  }
  return d;
}

uint64_t SegmentIndexDirectory::place_filters(bool in_slices) {
  if (in_slices) {
    slices = std::make_shared<const SlicedFilters>(blocks);
    return slices->bytes();
  }
  uint64_t offset = 0;
  page_offsets.reserve(blocks.size());
  for (const BlockTextFacts& facts : blocks) {
    page_offsets.push_back(offset);
    offset += facts.filter_bytes();
  }
  return offset;
}

}  // namespace cordwood
