// SPDX-License-Identifier: Apache-2.0
#include "ingest/body_decoder.h"

#include "ingest/push_json.h"
#include "ingest/push_otlp.h"
#include "ingest/push_protobuf.h"

namespace cordwood::ingest {

std::optional<UnpackFailure> open_body(BodyFormat format, BodyEncoding encoding, std::string_view received,
                                       uint64_t max_bytes, ReadableBody* out) {
  out->bytes = received;
  const bool snappy_inside = format == BodyFormat::loki_protobuf;
  if (encoding != BodyEncoding::none && !(snappy_inside && encoding == BodyEncoding::snappy)) {
    if (auto failure = unpack_body(encoding, received, max_bytes, &out->outer)) return failure;
    out->bytes = out->outer.view();
  }
  if (snappy_inside) {
    if (auto failure = unpack_body(BodyEncoding::snappy, out->bytes, max_bytes, &out->inner)) return failure;
    out->bytes = out->inner.view();
  }
  return {};
}

Result<void> decode_body(BodyFormat format, std::string_view body, RowBuilder* rows) {
  switch (format) {
    case BodyFormat::loki_json: return decode_push_json(body, rows);
    case BodyFormat::loki_protobuf: return decode_push_protobuf(body, rows);
    case BodyFormat::loki_json_v0: return decode_push_json_v0(body, rows);
    case BodyFormat::otlp_json: return decode_push_otlp_json(body, rows);
    case BodyFormat::otlp_protobuf: return decode_push_otlp_protobuf(body, rows);
  }
  return Error::invalid("unknown body format");
}

}  // namespace cordwood::ingest
