// SPDX-License-Identifier: Apache-2.0
#include "storage/base/coding.h"
#include "storage/segment.h"

namespace cordwood {

/// One length-prefixed string, so that a later minor version can add fields at its end.
void SegmentMeta::encode(std::string* out) const {
  std::string fields;
  ByteWriter w(&fields);
  w.string(key);
  w.varint(size_bytes);
  w.varint(tail_bytes);
  w.string(node);
  w.varint(generation);
  w.varint(level);
  w.varint(blocks);
  w.varint(rows);
  w.varint(raw_bytes);
  w.i64(time_min_ns);
  w.i64(time_max_ns);
  w.varint(arrival_min);
  w.varint(arrival_max);
  w.varint(replaces.size());
  for (const std::string& replaced : replaces) w.string(replaced);
  if (log_mark != 0) w.u64(log_mark);
  ByteWriter(out).string(fields);
}

Result<SegmentMeta> SegmentMeta::decode(ByteReader* in) {
  ByteReader fields(in->string());
  SegmentMeta meta;
  meta.key = fields.string();
  meta.size_bytes = fields.varint();
  meta.tail_bytes = fields.varint();
  meta.node = fields.string();
  meta.generation = fields.varint();
  const uint64_t level = fields.varint();
  const uint64_t blocks = fields.varint();
  meta.rows = fields.varint();
  meta.raw_bytes = fields.varint();
  meta.time_min_ns = fields.i64();
  meta.time_max_ns = fields.i64();
  meta.arrival_min = fields.varint();
  meta.arrival_max = fields.varint();
  const uint64_t replaces = fields.count(1);
  for (uint64_t i = 0; i < replaces; ++i) meta.replaces.emplace_back(fields.string());
  if (fields.remaining() >= sizeof(uint64_t)) meta.log_mark = fields.u64();
  TRY(in->status("segment meta"));
  TRY(fields.status("segment meta"));
  if (level > UINT32_MAX || blocks > UINT32_MAX || meta.tail_bytes > meta.size_bytes) {
    return Error::corrupt("segment meta: a number is out of range");
  }
  meta.level = static_cast<uint32_t>(level);
  meta.blocks = static_cast<uint32_t>(blocks);
  return meta;
}

}  // namespace cordwood
