// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "ingest/decode_policy.h"
#include "ingest/push.h"
#include "storage/base/check.h"
#include "storage/wal_reader.h"

namespace cordwood::fuzz {

/// Decodes a body as replay does.  Whatever comes out must survive the WAL's own encoding, and come out again alike.
inline void decode_push_body(BodyFormat format, BodyEncoding encoding, std::string_view body) {
  static const auto decoder = ingest::make_wal_body_decoder();
  static const std::string policy = ingest::DecodeRules::of(ingest::default_ingest_limits()).encode();
  WalRecord record;
  record.tenant = "fake";
  record.receive_time_ns = 1'700'000'000'000'000'000;
  record.format = format;
  record.encoding = encoding;
  record.payload = body;
  RowBatch batch;
  if (!decoder->decode(record, policy, &batch).ok()) return;
  std::string encoded;
  encode_wal_batch(batch, &encoded);
  RowBatch again;
  const auto decoded = decode_wal_batch(encoded, record.tenant, &again);
  CHECK(decoded.ok(), "{}", decoded.error().message);
  CHECK(again.rows.size() == batch.rows.size() && again.metadata == batch.metadata);
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    CHECK(again.rows[i].line == batch.rows[i].line && again.rows[i].time_ns == batch.rows[i].time_ns);
    CHECK(again.streams[again.rows[i].stream]->labels == batch.streams[batch.rows[i].stream]->labels);
  }
}

}  // namespace cordwood::fuzz
