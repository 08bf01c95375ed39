// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_format.h"

#include <algorithm>
#include <map>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/compression.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxStreamTableBytes = 256u << 20;

}  // namespace

void SegmentFooter::encode(std::string* out) const {
  const size_t begin = out->size();
  ByteWriter w(out);
  for (const SectionPlace& s : sections) {
    w.u64(s.offset);
    w.u64(s.size);
    w.u64(s.checksum);
  }
  w.u64(features);
  w.u16(major);
  w.u16(minor);
  w.u64(xxh3_64(std::string_view(*out).substr(begin)));
  w.bytes(kSegmentMagic);
}

Result<SegmentFooter> SegmentFooter::decode(std::string_view bytes, uint64_t file_size) {
  if (bytes.size() != kBytes || file_size < kBytes + kSegmentHeaderBytes) return Error::corrupt("segment: too short");
  if (!bytes.ends_with(kSegmentMagic)) return Error::corrupt("segment: no magic at the end");
  const std::string_view body = bytes.substr(0, kBytes - 16);
  if (checksum_differs(ByteReader(bytes.substr(body.size(), 8)).u64(), xxh3_64(body))) {
    return Error::corrupt("segment: checksum of the footer differs");
  }
  SegmentFooter f = decode_unchecked(bytes);
  if (f.major != kSegmentMajor) {
    return Error::invalid(
        fmt::format("segment: format version {}.{}, this program reads {}.x", f.major, f.minor, kSegmentMajor));
  }
  if (const uint64_t unknown = f.features & ~kKnownFeatures; unknown != 0) {
    return Error::invalid(
        fmt::format("segment: needs feature bit {}, which this program does not know", std::countr_zero(unknown)));
  }
  const uint64_t end = file_size - kBytes;
  for (const SectionPlace& s : f.sections) {
    if (s.offset > end || s.size > end - s.offset) return Error::corrupt("segment: a section lies outside the file");
  }
  return f;
}

SegmentFooter SegmentFooter::decode_unchecked(std::string_view bytes) {
  SegmentFooter f;
  ByteReader in(bytes);
  for (SectionPlace& s : f.sections) {
    s.offset = in.u64();
    s.size = in.u64();
    s.checksum = in.u64();
  }
  f.features = in.u64();
  f.major = in.u16();
  f.minor = in.u16();
  return f;
}

void encode_segment_prelude(std::string* out) {
  const size_t begin = out->size();
  ByteWriter w(out);
  w.bytes(kSegmentPreludeMagic);
  w.u16(kSegmentMajor);
  w.u16(kSegmentMinor);
  w.u64(kFeatureColumns);
  w.u32(static_cast<uint32_t>(xxh3_64(std::string_view(*out).substr(begin))));
}

uint64_t for_each_block_record(std::string_view index, const std::function<void(Result<std::string_view>)>& visit) {
  ByteReader in(index);
  const uint64_t count = in.count(9);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t size = in.varint();
    const uint64_t checksum = in.u64();
    const std::string_view record = in.bytes(size);
    if (in.failed() || checksum_differs(checksum, xxh3_64(record))) {
      visit(Error::corrupt("a record of the block index is damaged"));
      if (in.failed()) break;
      continue;
    }
    visit(record);
  }
  return count;
}

void BlockRecord::encode(std::string* out) const {
  ByteWriter w(out);
  w.varint(tenant);
  w.varint(narrow_offset);
  w.varint(heap_offset);
  w.varint(streams.size());
  int64_t last = -1;
  for (const uint32_t s : streams) {
    w.zigzag(static_cast<int64_t>(s) - last - 1);
    last = s;
  }
  w.bytes(entry);
}

Result<BlockRecord> BlockRecord::decode(std::string_view bytes) {
  BlockRecord r;
  ByteReader in(bytes);
  const uint64_t tenant = in.varint();
  r.narrow_offset = in.varint();
  r.heap_offset = in.varint();
  const uint64_t streams = in.count(1);
  r.streams.reserve(streams);
  int64_t last = -1;
  for (uint64_t i = 0; i < streams; ++i) {
    const uint64_t s = static_cast<uint64_t>(in.zigzag()) + static_cast<uint64_t>(last) + 1;
    if (s > UINT32_MAX) return Error::corrupt("block record: stream out of range");
    last = static_cast<int64_t>(s);
    r.streams.push_back(static_cast<uint32_t>(s));
  }
  TRY(in.status("block record"));
  if (tenant > UINT32_MAX) return Error::corrupt("block record: tenant out of range");
  r.tenant = static_cast<uint32_t>(tenant);
  r.entry = in.bytes(in.remaining());
  return r;
}

void StreamTable::encode(std::string* out) const {
  std::map<std::string_view, uint64_t> numbers;
  std::string raw;
  ByteWriter w(&raw);
  w.varint(tenants.size());
  for (const TenantId& t : tenants) {
    numbers.emplace(t, numbers.size());
    w.string(t);
  }
  w.varint(streams.size());
  for (const StreamPtr& s : streams) {
    w.varint(numbers[s->tenant]);
    w.u8(static_cast<uint8_t>(s->kind));
    s->labels.encode(&raw);
  }
  std::string packed;
  compress(Codec::zstd, raw, &packed, 3);
  ByteWriter head(out);
  head.u8(static_cast<uint8_t>(Codec::zstd));
  head.varint(raw.size());
  head.bytes(packed);
}

Result<StreamTable> StreamTable::decode(std::string_view bytes) {
  ByteReader head(bytes);
  const Codec codec = static_cast<Codec>(head.u8());
  const uint64_t raw_size = head.varint();
  TRY(head.status("stream table"));
  if (raw_size > kMaxStreamTableBytes) return Error::corrupt("stream table: too large");
  std::string raw;
  TRY(decompress(codec, head.bytes(head.remaining()), raw_size, &raw));
  StreamTable table;
  ByteReader in(raw);
  const uint64_t tenants = in.count(1);
  table.tenants.reserve(tenants);
  for (uint64_t i = 0; i < tenants; ++i) table.tenants.emplace_back(in.string());
  const uint64_t streams = in.count(3);
  table.streams.reserve(streams);
  for (uint64_t i = 0; i < streams; ++i) {
    const uint64_t tenant = in.varint();
    const uint8_t kind = in.u8();
    if (tenant >= tenants || kind > static_cast<uint8_t>(StreamKind::internal)) {
      return Error::corrupt("stream table: tenant or kind out of range");
    }
    TRY_ASSIGN(Labels labels, Labels::decode(&in));
    table.streams.push_back(Stream::make(table.tenants[tenant], static_cast<StreamKind>(kind), std::move(labels)));
  }
  TRY(in.finish("stream table"));
  return table;
}

}  // namespace cordwood
