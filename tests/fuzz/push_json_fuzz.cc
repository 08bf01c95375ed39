// SPDX-License-Identifier: Apache-2.0
// JSON pushes: first byte chooses the present or the older form, or OpenTelemetry's.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/body_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cordwood::BodyFormat;
  if (size == 0) return 0;
  const BodyFormat formats[] = {BodyFormat::loki_json, BodyFormat::loki_json_v0, BodyFormat::otlp_json};
  cordwood::fuzz::decode_push_body(formats[data[0] % 3], cordwood::BodyEncoding::none,
                                   {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
