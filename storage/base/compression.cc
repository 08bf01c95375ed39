// SPDX-License-Identifier: Apache-2.0
#include "storage/base/compression.h"

#include <lz4.h>
#include <zstd.h>

#include <cstring>
#include <limits>
#include <memory>

#include "storage/base/niceness.h"

namespace cordwood {

namespace {

struct FreeZstd {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

ZSTD_CCtx* zstd_compressor() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* zstd_decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  return context.get();
}

void compress_zstd(std::string_view raw, std::string* out, int level) {
  const size_t before = out->size();
  out->resize(before + ZSTD_compressBound(raw.size()));
  const size_t n =
      ZSTD_compressCCtx(zstd_compressor(), out->data() + before, out->size() - before, raw.data(), raw.size(), level);
  CHECK(!ZSTD_isError(n), "zstd: {}", ZSTD_getErrorName(n));
  out->resize(before + n);
}

void compress_lz4(std::string_view raw, std::string* out) {
  CHECK(raw.size() <= static_cast<size_t>(LZ4_MAX_INPUT_SIZE), "lz4 takes at most {} bytes, got {}", LZ4_MAX_INPUT_SIZE,
        raw.size());
  const size_t before = out->size();
  const int bound = LZ4_compressBound(static_cast<int>(raw.size()));
  out->resize(before + static_cast<size_t>(bound));
  const int n = LZ4_compress_default(raw.data(), out->data() + before, static_cast<int>(raw.size()), bound);
  CHECK(n > 0, "lz4 could not pack {} bytes", raw.size());
  out->resize(before + static_cast<size_t>(n));
}

}  // namespace

void compress(Codec codec, std::string_view raw, std::string* out, int level) {
  give_way();
  switch (codec) {
    case Codec::none: out->append(raw); return;
    case Codec::lz4: compress_lz4(raw, out); return;
    case Codec::zstd: compress_zstd(raw, out, level); return;
  }
  CHECK(false, "unknown codec {}", static_cast<int>(codec));
}

Result<void> decompress(Codec codec, std::string_view packed, uint64_t raw_size, std::string* out) {
  if (codec == Codec::none && packed.size() == raw_size) {
    out->assign(packed);
    return {};
  }
  out->resize(raw_size);
  return decompress(codec, packed, raw_size, out->data());
}

Result<void> decompress(Codec codec, std::string_view packed, uint64_t raw_size, char* out) {
  give_way();
  uint64_t got = 0;
  switch (codec) {
    case Codec::none:
      got = packed.size();
      if (got == raw_size) std::memcpy(out, packed.data(), got);
      break;
    case Codec::lz4: {
      constexpr uint64_t kMax = std::numeric_limits<int>::max();
      if (raw_size > kMax || packed.size() > kMax) return Error::corrupt("lz4: size out of range");
      const int n =
          LZ4_decompress_safe(packed.data(), out, static_cast<int>(packed.size()), static_cast<int>(raw_size));
      if (n < 0) return Error::corrupt("lz4: malformed data");
      got = static_cast<uint64_t>(n);
      break;
    }
    case Codec::zstd: {
      const size_t n = ZSTD_decompressDCtx(zstd_decompressor(), out, raw_size, packed.data(), packed.size());
      if (ZSTD_isError(n)) return Error::corrupt(fmt::format("zstd: {}", ZSTD_getErrorName(n)));
      got = n;
      break;
    }
    default: return Error::corrupt(fmt::format("unknown codec {}", static_cast<int>(codec)));
  }
  if (got != raw_size) return Error::corrupt(fmt::format("unpacked {} bytes, expected {}", got, raw_size));
  return {};
}

}  // namespace cordwood
