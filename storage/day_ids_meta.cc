// SPDX-License-Identifier: Apache-2.0
#include "storage/day_ids_meta.h"

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/segment_key.h"

namespace cordwood {

namespace {

constexpr uint16_t kDayIdsMajor = 1;
constexpr uint16_t kDayIdsMinor = 0;

}  // namespace

std::string day_ids_header() {
  std::string out;
  ByteWriter w(&out);
  w.bytes(kDayIdsMagic);
  w.u16(kDayIdsMajor);
  w.u16(kDayIdsMinor);
  w.u64(0);
  w.u32(static_cast<uint32_t>(xxh3_64(out)));
  CHECK(out.size() == kDayIdsHeaderBytes, "header of {} bytes", out.size());
  return out;
}

std::string DayIdsMeta::make_key(const std::string& node, uint64_t catalog_version, uint64_t attempt) {
  return fmt::format("{}d{:020}-{:06}.ids", segment_prefix(node), catalog_version, attempt);
}

void DayIdsMeta::encode(std::string* out) const {
  std::string fields;
  ByteWriter w(&fields);
  w.string(key);
  w.varint(size_bytes);
  shape.encode(&fields);
  w.varint(parts.size());
  for (const Part& part : parts) {
    w.string(part.segment);
    w.varint(part.blocks);
  }
  ByteWriter(out).string(fields);
}

Result<DayIdsMeta> DayIdsMeta::decode(ByteReader* in) {
  ByteReader fields(in->string());
  DayIdsMeta meta;
  meta.key = fields.string();
  meta.size_bytes = fields.varint();
  TRY_ASSIGN(meta.shape, IdTableShape::decode(&fields));
  const uint64_t parts = fields.count(2);
  uint64_t blocks = 0;
  for (uint64_t i = 0; i < parts; ++i) {
    Part& part = meta.parts.emplace_back();
    part.segment = fields.string();
    const uint64_t count = fields.varint();
    if (count > IdTableShape::kMaxBuckets) fields.fail();
    part.blocks = static_cast<uint32_t>(count);
    blocks += part.blocks;
  }
  TRY(in->status("common id table"));
  TRY(fields.status("common id table"));
  if (meta.shape.version != IdTableShape::kFlows || blocks > meta.shape.common_block() ||
      meta.size_bytes != kDayIdsHeaderBytes + meta.shape.bytes()) {
    return Error::corrupt("common id table: a number is out of range");
  }
  return meta;
}

}  // namespace cordwood
