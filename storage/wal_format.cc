// SPDX-License-Identifier: Apache-2.0
#include "storage/wal_format.h"

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/compression.h"

namespace cordwood {

namespace {

constexpr std::string_view kWalMagic = "CWAL";
constexpr uint16_t kWalMajor = 1;
constexpr uint16_t kWalMinor = 0;
constexpr uint64_t kWalMarked = 1;  ///< feature: the header has a mark
constexpr uint64_t kKnownWalFeatures = kWalMarked;
constexpr size_t kWalPreludeBytes = 20;  ///< the part every version keeps: magic, version, features, their checksum
constexpr uint16_t kRecordMarker = 0x5743;
constexpr uint8_t kRecordVersion = 1;
constexpr uint64_t kMaxLz4Ratio = 255;

uint64_t seed_of(const WalPlace& place, uint64_t sequence) {
  const uint64_t parts[3] = {place.generation, place.file_number, sequence};
  return xxh3_64({reinterpret_cast<const char*>(parts), sizeof parts});
}

uint64_t record_checksum(const WalPlace& place, std::string_view record) {
  uint64_t sequence = 0;
  std::memcpy(&sequence, record.data() + 16, sizeof sequence);
  return xxh3_64(record.substr(sizeof(uint64_t)), seed_of(place, sequence));
}

Result<void> parse_refused(ByteReader* in, std::vector<uint32_t>* refused) {
  const uint64_t count = in->count(1);
  refused->reserve(count);
  uint64_t ordinal = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t step = in->varint();
    if (step > UINT32_MAX || (i > 0 && step == 0)) return Error::corrupt("refused entries do not ascend");
    ordinal += step;
    if (ordinal > UINT32_MAX) return Error::corrupt("ordinal of a refused entry is too large");
    refused->push_back(static_cast<uint32_t>(ordinal));
  }
  return {};
}

Result<void> unpack_batch(ByteReader* in, WalRecord* record) {
  const uint64_t raw_bytes = in->varint();
  const std::string_view packed = in->bytes(in->remaining());
  TRY(in->status("WAL batch"));
  if (raw_bytes > kMaxWalBodyBytes || raw_bytes > (packed.size() + 16) * kMaxLz4Ratio) {
    return Error::corrupt(fmt::format("WAL batch: {} bytes cannot unpack to {}", packed.size(), raw_bytes));
  }
  return decompress(Codec::lz4, packed, raw_bytes, &record->payload);
}

std::optional<uint64_t> parse_digits(std::string_view text) {
  uint64_t v = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || v > (UINT64_MAX - 9) / 10) return std::nullopt;
    v = v * 10 + static_cast<uint64_t>(c - '0');
  }
  return text.empty() ? std::nullopt : std::optional<uint64_t>(v);
}

}  // namespace

void encode_wal_file_header(const WalFileHeader& header, std::string* out) {
  CHECK(header.node.size() <= UINT8_MAX, "node name of {} bytes, 255 are allowed", header.node.size());
  const size_t begin = out->size();
  ByteWriter w(out);
  w.bytes(kWalMagic);
  w.u16(kWalMajor);
  w.u16(kWalMinor);
  w.u64(header.mark == 0 ? 0 : kWalMarked);
  w.u32(static_cast<uint32_t>(xxh3_64(std::string_view(*out).substr(begin))));
  w.u64(header.generation);
  w.u32(header.file_number);
  w.u8(static_cast<uint8_t>(header.node.size()));
  w.bytes(header.node);
  if (header.mark != 0) w.u64(header.mark);
  w.u64(xxh3_64(std::string_view(*out).substr(begin)));
}

Result<WalFileHeader> parse_wal_file_header(std::string_view* bytes) {
  ByteReader in(*bytes);
  const std::string_view magic = in.bytes(kWalMagic.size());
  const uint16_t major = in.u16();
  const uint16_t minor = in.u16();
  const uint64_t features = in.u64();
  const uint32_t prelude_checksum = in.u32();
  TRY(in.status("WAL file header"));
  if (magic != kWalMagic) return Error::corrupt("not a WAL file: its first bytes are not CWAL");
  if (checksum_differs(prelude_checksum, static_cast<uint32_t>(xxh3_64(bytes->substr(0, kWalPreludeBytes - 4))))) {
    return Error::corrupt("WAL file header: checksum of version and features does not match");
  }
  if (major != kWalMajor || (features & ~kKnownWalFeatures) != 0) {
    return Error::invalid(fmt::format(
        "WAL file of version {}.{} with features {:#x}: this program reads version {}.x with features {:#x}", major,
        minor, features, kWalMajor, kKnownWalFeatures));
  }
  WalFileHeader header;
  header.generation = in.u64();
  header.file_number = in.u32();
  header.node = in.bytes(in.u8());
  if ((features & kWalMarked) != 0) header.mark = in.u64();
  const size_t covered = in.position();
  const uint64_t checksum = in.u64();
  TRY(in.status("WAL file header"));
  if (checksum_differs(checksum, xxh3_64(bytes->substr(0, covered))))
    return Error::corrupt("WAL file header: checksum does not match");
  bytes->remove_prefix(in.position());
  return header;
}

void append_wal_record(WalRecordType type, uint64_t sequence, std::string_view meta, std::string_view payload,
                       std::string* out) {
  const uint64_t body_bytes = meta.size() + payload.size();
  CHECK(body_bytes <= kMaxWalBodyBytes, "WAL record of {} bytes, {} are allowed", body_bytes, kMaxWalBodyBytes);
  ByteWriter w(out);
  w.u64(0);
  w.u32(static_cast<uint32_t>(body_bytes));
  w.u16(kRecordMarker);
  w.u8(kRecordVersion);
  w.u8(static_cast<uint8_t>(type));
  w.u64(sequence);
  w.bytes(meta);
  w.bytes(payload);
}

void seal_wal_records(const WalPlace& place, char* records, size_t size) {
  for (size_t at = 0; at < size;) {
    uint32_t body_bytes = 0;
    std::memcpy(&body_bytes, records + at + 8, sizeof body_bytes);
    const size_t record_bytes = kWalRecordHeaderBytes + body_bytes;
    CHECK(record_bytes <= size - at, "WAL buffer of {} bytes ends inside a record at {}", size, at);
    const uint64_t checksum = record_checksum(place, {records + at, record_bytes});
    std::memcpy(records + at, &checksum, sizeof checksum);
    at += record_bytes;
  }
}

std::optional<WalRecordHeader> parse_wal_record_header(std::string_view bytes) {
  ByteReader in(bytes);
  WalRecordHeader header;
  header.checksum = in.u64();
  header.body_bytes = in.u32();
  const uint16_t marker = in.u16();
  header.version = in.u8();
  header.type = in.u8();
  header.sequence = in.u64();
  if (in.failed() || marker != kRecordMarker || header.body_bytes > kMaxWalBodyBytes) return std::nullopt;
  return header;
}

bool wal_record_intact(const WalPlace& place, std::string_view record) {
  uint64_t checksum = 0;
  std::memcpy(&checksum, record.data(), sizeof checksum);
  return !checksum_differs(checksum, record_checksum(place, record));
}

void encode_wal_body_meta(const TenantId& tenant, int64_t receive_time_ns, const WalBody& body, std::string* out) {
  ByteWriter w(out);
  w.string(tenant);
  w.i64(receive_time_ns);
  w.u64(body.policy->id);
  w.u8(static_cast<uint8_t>(body.format));
  w.u8(static_cast<uint8_t>(body.encoding));
  w.varint(body.refused.size());
  uint32_t previous = 0;
  for (const uint32_t ordinal : body.refused) {
    w.varint(ordinal - previous);
    previous = ordinal;
  }
}

void encode_wal_batch_meta(const TenantId& tenant, int64_t receive_time_ns, uint64_t raw_bytes, std::string* out) {
  ByteWriter w(out);
  w.string(tenant);
  w.i64(receive_time_ns);
  w.varint(raw_bytes);
}

void encode_wal_policy_meta(const TenantId& tenant, uint64_t policy_id, std::string* out) {
  ByteWriter w(out);
  w.string(tenant);
  w.u64(policy_id);
}

Result<WalRecord> parse_wal_record(const WalRecordHeader& header, std::string_view body) {
  if (header.version != kRecordVersion) {
    return Error::corrupt(fmt::format("WAL record of unknown version {}", header.version));
  }
  ByteReader in(body);
  WalRecord record;
  record.sequence = header.sequence;
  record.type = static_cast<WalRecordType>(header.type);
  record.tenant = in.string();
  switch (record.type) {
    case WalRecordType::push_body:
      record.receive_time_ns = in.i64();
      record.policy_id = in.u64();
      record.format = static_cast<BodyFormat>(in.u8());
      record.encoding = static_cast<BodyEncoding>(in.u8());
      TRY(parse_refused(&in, &record.refused));
      record.payload = in.bytes(in.remaining());
      break;
    case WalRecordType::push_batch:
      record.receive_time_ns = in.i64();
      TRY(unpack_batch(&in, &record));
      break;
    case WalRecordType::policy:
      record.policy_id = in.u64();
      record.payload = in.bytes(in.remaining());
      break;
    default: return Error::corrupt(fmt::format("WAL record of unknown type {}", header.type));
  }
  TRY(in.status("WAL record"));
  return record;
}

std::string wal_file_name(const WalPlace& place) {
  return fmt::format("{:020}-{:06}.wal", place.generation, place.file_number);
}

std::optional<WalPlace> parse_wal_file_name(std::string_view name) {
  constexpr std::string_view kSuffix = ".wal";
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos || !name.ends_with(kSuffix)) return std::nullopt;
  const auto generation = parse_digits(name.substr(0, dash));
  const auto number = parse_digits(name.substr(dash + 1, name.size() - dash - 1 - kSuffix.size()));
  if (!generation || !number || *number > UINT32_MAX) return std::nullopt;
  const WalPlace place{*generation, static_cast<uint32_t>(*number)};
  return wal_file_name(place) == name ? std::optional<WalPlace>(place) : std::nullopt;
}

}  // namespace cordwood
