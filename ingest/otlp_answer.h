// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/push.h"

namespace cordwood::ingest {

/// Bodies of answers on `/v1/logs`, as the OpenTelemetry protocol wants them: in the encoding of the request.
enum class OtlpEncoding : uint8_t { protobuf, json };
/// JSON when the Content-Type says so, protobuf for anything else.
OtlpEncoding otlp_encoding_of(std::string_view content_type);

/// 200 with an ExportLogsServiceResponse; with partial_success when records were refused.
PushResponse otlp_export_response(OtlpEncoding encoding, uint64_t rejected_records, std::string_view why);
/// An error with a google.rpc.Status: the code of gRPC that goes with the HTTP status, and the message.
PushResponse otlp_error_response(OtlpEncoding encoding, int status, std::string_view message);

}  // namespace cordwood::ingest
