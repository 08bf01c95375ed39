// SPDX-License-Identifier: Apache-2.0
// A manifest object of any bytes, and any bytes between an intact prelude and an intact checksum.
#include <cstddef>
#include <cstdint>

#include "storage/base/check.h"
#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/manifest.h"

using namespace cordwood;

namespace {

constexpr size_t kPreludeBytes = 20;

void decode(std::string_view bytes) {
  const Result<ManifestObject> object = decode_manifest(bytes);
  if (!object.ok()) return;
  const std::string once = encode_manifest(*object);
  const Result<ManifestObject> again = decode_manifest(once);
  CHECK(again.ok() && encode_manifest(*again) == once, "what was read is not written back");
  CatalogState state;
  state.apply(object->change);
  const size_t segments = state.segments.size();
  state.apply(object->change);
  CHECK(state.segments.size() == segments, "applying twice differs from once");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  decode(bytes);
  std::string sealed = encode_manifest({ManifestObject::Kind::change, "", 1, 0, {}}).substr(0, kPreludeBytes);
  sealed += bytes;
  ByteWriter(&sealed).u64(xxh3_64(sealed));
  decode(sealed);
  return 0;
}
