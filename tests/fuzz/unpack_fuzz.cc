// SPDX-License-Identifier: Apache-2.0
// Packed bodies: snappy, gzip, deflate, zstd, lz4 by the first byte.  What comes out stays within the limit.
#include <cstddef>
#include <cstdint>

#include "ingest/body_unpacker.h"
#include "storage/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cordwood;
  constexpr uint64_t kLimitBytes = 1u << 20;
  if (size == 0) return 0;
  ingest::ReservedBuffer out(nullptr);
  const auto encoding = static_cast<BodyEncoding>(1 + data[0] % 5);
  (void)ingest::unpack_body(encoding, {reinterpret_cast<const char*>(data) + 1, size - 1}, kLimitBytes, &out);
  CHECK(out.size <= kLimitBytes && out.size <= out.capacity());
  return 0;
}
