// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/wal_format.h"

namespace cordwood::ingest {

/// `type/subtype` of a Content-Type in lower case, parameters left out.  invalid with Go's text: `mime: no media type`.
Result<std::string> parse_media_type(std::string_view content_type);

struct BodyKind {
  BodyFormat format = BodyFormat::loki_json;
  BodyEncoding encoding = BodyEncoding::none;
};
/// How Loki's push endpoints read a body: JSON, or for any other type protobuf in snappy.  invalid: 400.
Result<BodyKind> loki_body_kind(std::string_view content_type, std::string_view content_encoding, bool legacy);
/// Loki's OTLP endpoint takes two types, to the letter.  invalid: 400.
Result<BodyKind> otlp_body_kind(std::string_view content_type, std::string_view content_encoding);
/// The OpenTelemetry protocol's endpoint takes the same two, with parameters and in any case.  invalid: 415.
Result<BodyKind> otlp_spec_body_kind(std::string_view content_type, std::string_view content_encoding);

}  // namespace cordwood::ingest
