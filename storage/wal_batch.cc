// SPDX-License-Identifier: Apache-2.0
#include "storage/base/coding.h"
#include "storage/wal_reader.h"

namespace cordwood {

namespace {

constexpr size_t kMinRowBytes = 5;  ///< stream, time, two counts, length of the line

Result<void> decode_streams(ByteReader* in, const TenantId& tenant, RowBatch* out) {
  const uint64_t count = in->count(2);
  for (uint64_t i = 0; i < count; ++i) {
    const uint8_t kind = in->u8();
    if (kind > static_cast<uint8_t>(StreamKind::internal)) {
      return Error::corrupt(fmt::format("WAL batch: unknown stream kind {}", kind));
    }
    TRY_ASSIGN(Labels labels, Labels::decode(in));
    out->streams.push_back(Stream::make(tenant, static_cast<StreamKind>(kind), std::move(labels)));
  }
  return in->status("WAL batch streams");
}

Result<void> decode_row(ByteReader* in, int64_t previous_time_ns, RowBatch* out) {
  const uint64_t stream = in->varint();
  const int64_t step_ns = in->zigzag();
  const uint64_t metadata_count = in->varint();
  const uint64_t derived_count = in->varint();
  BatchRow row;
  row.line = in->string();
  if (in->failed() || stream >= out->streams.size() || metadata_count > UINT16_MAX || derived_count > metadata_count ||
      out->metadata.size() + metadata_count > UINT32_MAX) {
    return Error::corrupt("WAL batch: malformed row");
  }
  row.stream = static_cast<uint32_t>(stream);
  row.time_ns = static_cast<int64_t>(static_cast<uint64_t>(previous_time_ns) + static_cast<uint64_t>(step_ns));
  row.metadata_begin = static_cast<uint32_t>(out->metadata.size());
  row.metadata_count = static_cast<uint16_t>(metadata_count);
  row.derived_count = static_cast<uint16_t>(derived_count);
  for (uint64_t m = 0; m < metadata_count; ++m) {
    const std::string_view name = in->string();
    const std::string_view value = in->string();
    out->metadata.push_back({name, value});
  }
  out->rows.push_back(row);
  return in->status("WAL batch row");
}

}  // namespace

void encode_wal_batch(const RowBatch& batch, std::string* out) {
  ByteWriter w(out);
  w.varint(batch.streams.size());
  for (const StreamPtr& stream : batch.streams) {
    w.u8(static_cast<uint8_t>(stream->kind));
    stream->labels.encode(out);
  }
  w.varint(batch.rows.size());
  int64_t previous_time_ns = 0;
  for (const BatchRow& row : batch.rows) {
    w.varint(row.stream);
    w.zigzag(static_cast<int64_t>(static_cast<uint64_t>(row.time_ns) - static_cast<uint64_t>(previous_time_ns)));
    previous_time_ns = row.time_ns;
    w.varint(row.metadata_count);
    w.varint(row.derived_count);
    w.string(row.line);
    for (uint32_t m = 0; m < row.metadata_count; ++m) {
      const MetadataPair& pair = batch.metadata[row.metadata_begin + m];
      w.string(pair.name);
      w.string(pair.value);
    }
  }
}

Result<void> decode_wal_batch(std::string_view encoded, const TenantId& tenant, RowBatch* out) {
  ByteReader in(encoded);
  out->tenant = tenant;
  out->streams.clear();
  out->rows.clear();
  out->metadata.clear();
  TRY(decode_streams(&in, tenant, out));
  const uint64_t rows = in.count(kMinRowBytes);
  out->rows.reserve(rows);
  for (uint64_t r = 0; r < rows; ++r) TRY(decode_row(&in, r == 0 ? 0 : out->rows[r - 1].time_ns, out));
  return in.finish("WAL batch");
}

}  // namespace cordwood
