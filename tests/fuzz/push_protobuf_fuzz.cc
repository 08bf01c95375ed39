// SPDX-License-Identifier: Apache-2.0
// Protobuf pushes behind intact snappy: first byte chooses Loki's or OpenTelemetry's.
#include <snappy.h>

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/body_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cordwood::BodyEncoding;
  using cordwood::BodyFormat;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) {
    cordwood::fuzz::decode_push_body(BodyFormat::otlp_protobuf, BodyEncoding::none, body);
    return 0;
  }
  std::string packed;
  snappy::Compress(body.data(), body.size(), &packed);
  cordwood::fuzz::decode_push_body(BodyFormat::loki_protobuf, BodyEncoding::none, packed);
  return 0;
}
