// SPDX-License-Identifier: Apache-2.0
#include "ingest/otlp_answer.h"

#include "ingest/media_type.h"
#include "ingest/otlp_value.h"

namespace cordwood::ingest {

namespace {

constexpr uint8_t kVarint = 0;
constexpr uint8_t kBytes = 2;

constexpr uint8_t field(uint8_t number, uint8_t wire_type) {
  return static_cast<uint8_t>(number << 3 | wire_type);
}

/// Codes of google.rpc.Code.
int grpc_code(int status) {
  switch (status) {
    case 400:
    case 413:
    case 415: return 3;   // INVALID_ARGUMENT
    case 401: return 16;  // UNAUTHENTICATED
    case 403: return 7;   // PERMISSION_DENIED
    case 429: return 8;   // RESOURCE_EXHAUSTED
    case 503: return 14;  // UNAVAILABLE
    default: return 13;   // INTERNAL
  }
}

std::string json_string(std::string_view text) {
  OtlpValue value;
  value.kind = OtlpValue::Kind::text;
  value.text = text;
  std::string out;
  value.append_json(&out);
  return out;
}

PushResponse respond(OtlpEncoding encoding, int status, std::string body) {
  PushResponse response;
  response.status = status;
  response.body = std::move(body);
  response.content_type = encoding == OtlpEncoding::json ? "application/json" : "application/x-protobuf";
  return response;
}

}  // namespace

OtlpEncoding otlp_encoding_of(std::string_view content_type) {
  const auto type = parse_media_type(content_type);
  return type.ok() && *type == "application/json" ? OtlpEncoding::json : OtlpEncoding::protobuf;
}

PushResponse otlp_export_response(OtlpEncoding encoding, uint64_t rejected_records, std::string_view why) {
  if (rejected_records == 0) return respond(encoding, 200, encoding == OtlpEncoding::json ? "{}" : "");
  if (encoding == OtlpEncoding::json) {
    return respond(encoding, 200,
                   fmt::format(R"({{"partialSuccess":{{"rejectedLogRecords":"{}","errorMessage":{}}}}})",
                               rejected_records, json_string(why)));
  }
  std::string partial, body;
  ByteWriter inner(&partial);
  inner.u8(field(1, kVarint));
  inner.varint(rejected_records);
  inner.u8(field(2, kBytes));
  inner.string(why);
  ByteWriter outer(&body);
  outer.u8(field(1, kBytes));
  outer.string(partial);
  return respond(encoding, 200, std::move(body));
}

PushResponse otlp_error_response(OtlpEncoding encoding, int status, std::string_view message) {
  if (encoding == OtlpEncoding::json) {
    return respond(encoding, status,
                   fmt::format(R"({{"code":{},"message":{}}})", grpc_code(status), json_string(message)));
  }
  std::string body;
  ByteWriter w(&body);
  w.u8(field(1, kVarint));
  w.varint(static_cast<uint64_t>(grpc_code(status)));
  w.u8(field(2, kBytes));
  w.string(message);
  return respond(encoding, status, std::move(body));
}

}  // namespace cordwood::ingest
