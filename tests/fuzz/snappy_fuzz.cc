// SPDX-License-Identifier: Apache-2.0
// Snappy alone, both ways: bytes of strangers never unpack beyond the limit or what their header announces, and what
// the library packs comes back as it was.
#include <snappy.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "ingest/body_unpacker.h"
#include "storage/base/check.h"

namespace {

constexpr uint64_t kLimitBytes = 1u << 20;

void unpack_strange(std::string_view packed) {
  using namespace cordwood;
  ingest::ReservedBuffer out(nullptr);
  const auto failure = ingest::unpack_body(BodyEncoding::snappy, packed, kLimitBytes, &out);
  size_t announced_bytes = 0;
  const bool announced = snappy::GetUncompressedLength(packed.data(), packed.size(), &announced_bytes);
  if (announced && announced_bytes > kLimitBytes) {
    CHECK(failure && failure->kind == ingest::UnpackFailure::Kind::too_large, "{} bytes were let in", announced_bytes);
  }
  CHECK(failure || (announced && out.size == announced_bytes));
  CHECK(out.capacity() <= kLimitBytes);
}

void unpack_own(std::string_view plain) {
  using namespace cordwood;
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  ingest::ReservedBuffer out(nullptr);
  const auto failure = ingest::unpack_body(BodyEncoding::snappy, packed, kLimitBytes, &out);
  CHECK(!failure && out.view() == plain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  unpack_strange(bytes);
  unpack_own(bytes);
  return 0;
}
