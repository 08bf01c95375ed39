// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/row_batch.h"

namespace cordwood {

/// What a WAL record holds.  Numbers are on disk; storage/FORMAT.md has the bytes.
enum class WalRecordType : uint8_t {
  push_body = 1,   ///< a request body as received, and which of its entries were refused
  push_batch = 2,  ///< rows as storage encodes them (wal_batch.h), packed with LZ4
  policy = 3,      ///< a tenant's effective policy; precedes its first use in each file
};

/// How a push_body is to be read again.  Numbers are on disk; ingest owns their meaning.
enum class BodyFormat : uint8_t {
  loki_json = 1,
  loki_protobuf = 2,
  loki_json_v0 = 3,
  otlp_json = 4,
  otlp_protobuf = 5
};
enum class BodyEncoding : uint8_t { none = 0, snappy = 1, gzip = 2, deflate = 3, zstd = 4, lz4 = 5 };

/// The rules that were in force for a tenant when a body was accepted, as ingest encodes them.
struct WalPolicy {
  uint64_t id = 0;  ///< XXH3 of `encoded`
  std::string encoded;
};

/// A push as it goes into the WAL.
struct WalBody {
  BodyFormat format = BodyFormat::loki_json;
  BodyEncoding encoding = BodyEncoding::none;
  std::string_view body;              ///< as received, still packed
  std::vector<uint32_t> refused;      ///< ordinals of refused entries in body order, ascending
  const WalPolicy* policy = nullptr;  ///< never null
};

/// One record as it comes back.
struct WalRecord {
  WalRecordType type = WalRecordType::push_body;
  TenantId tenant;
  uint64_t sequence = 0;
  int64_t receive_time_ns = 0;
  uint64_t policy_id = 0;
  BodyFormat format = BodyFormat::loki_json;
  BodyEncoding encoding = BodyEncoding::none;
  std::vector<uint32_t> refused;
  std::string payload;  ///< body, encoded batch, or policy
};

/// The log of one generation.  Another machine that goes on as this node may use the number for its own: the mark tells
/// the two apart.
struct WalLog {
  uint64_t generation = 0;
  uint64_t mark = 0;  ///< drawn at random when it is begun; 0: by a version that gave none

  auto operator<=>(const WalLog&) const = default;
};

/// What the start of a WAL file says.
struct WalFileHeader {
  uint64_t generation = 0;
  uint32_t file_number = 0;  ///< 1 and up within the generation
  std::string node;          ///< at most 255 bytes
  uint64_t mark = 0;         ///< of its WalLog
};

/// Where one record's checksum gets its seed from: bytes of another place never pass for a record of this one.
struct WalPlace {
  uint64_t generation = 0;
  uint32_t file_number = 0;
};

inline constexpr size_t kMaxWalHeaderBytes = 512;  ///< of a file; its record headers are of fixed length
inline constexpr size_t kWalRecordHeaderBytes = 24;
inline constexpr uint64_t kMaxWalBodyBytes = 1u << 30;

/// The fixed start of a record.
struct WalRecordHeader {
  uint64_t checksum = 0;
  uint32_t body_bytes = 0;
  uint8_t version = 0;
  uint8_t type = 0;
  uint64_t sequence = 0;
};

void encode_wal_file_header(const WalFileHeader& header, std::string* out);
/// Takes the header off the front of `bytes`.  invalid: another major version or an unknown required feature;
/// corrupt: damaged or cut short.
Result<WalFileHeader> parse_wal_file_header(std::string_view* bytes);

/// Appends a record whose checksum is still zero; seal_wal_records() fills it in.  What goes between header and
/// payload is `meta`.
void append_wal_record(WalRecordType type, uint64_t sequence, std::string_view meta, std::string_view payload,
                       std::string* out);
/// Computes the checksum of each record in `records`, which holds whole records and nothing else.
void seal_wal_records(const WalPlace& place, char* records, size_t size);
/// Nothing when `bytes` does not begin with what can be a record header.
std::optional<WalRecordHeader> parse_wal_record_header(std::string_view bytes);
/// Whether `record` (header and body) is what was written at `place`.
bool wal_record_intact(const WalPlace& place, std::string_view record);

/// What precedes the payload of a push_body, a push_batch of `raw_bytes` before LZ4, a policy.
void encode_wal_body_meta(const TenantId& tenant, int64_t receive_time_ns, const WalBody& body, std::string* out);
void encode_wal_batch_meta(const TenantId& tenant, int64_t receive_time_ns, uint64_t raw_bytes, std::string* out);
void encode_wal_policy_meta(const TenantId& tenant, uint64_t policy_id, std::string* out);
/// Reads the body of an intact record; unpacks a push_batch.  corrupt for a grammar this version does not know.
Result<WalRecord> parse_wal_record(const WalRecordHeader& header, std::string_view body);

/// `<20 digits>-<6 digits>.wal`
std::string wal_file_name(const WalPlace& place);
std::optional<WalPlace> parse_wal_file_name(std::string_view name);

/// Turns a push_body back into the rows that were accepted, by the policy of then.  Implemented by ingest.
class WalBodyDecoder {
 public:
  virtual ~WalBodyDecoder() = default;
  /// `out`'s views may point into `record.payload` (which outlives it) or out->arena.
  virtual Result<void> decode(const WalRecord& record, std::string_view policy, RowBatch* out) = 0;
};

}  // namespace cordwood
