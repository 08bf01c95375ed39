// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
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

/// Turns a push_body back into the rows that were accepted, by the policy of then.  Implemented by ingest.
class WalBodyDecoder {
 public:
  virtual ~WalBodyDecoder() = default;
  /// `out`'s views may point into `record.payload` (which outlives it) or out->arena.
  virtual Result<void> decode(const WalRecord& record, std::string_view policy, RowBatch* out) = 0;
};

}  // namespace cordwood
