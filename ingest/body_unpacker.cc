// SPDX-License-Identifier: Apache-2.0
#include "ingest/body_unpacker.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

namespace cordwood::ingest {

namespace {

constexpr uint64_t kStepBytes = 1u << 20;

using Kind = UnpackFailure::Kind;
using Outcome = std::optional<UnpackFailure>;

UnpackFailure malformed(std::string text) {
  return {Kind::malformed, std::move(text)};
}
UnpackFailure too_large(uint64_t size, uint64_t limit) {
  return {Kind::too_large, fmt::format("decompressed message size too large than max ({} vs {})", size, limit)};
}
UnpackFailure no_memory() {
  return {Kind::no_memory, "no memory left for request bodies"};
}

Outcome unpack_snappy(std::string_view packed, uint64_t max_bytes, ReservedBuffer* out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) return malformed("snappy: corrupt input");
  if (size > max_bytes) return too_large(size, max_bytes);
  // Two bytes of input make 64 of output at most; a header that promises more lies.
  if (size / 32 > packed.size()) return malformed("snappy: corrupt input");
  if (!out->reserve(size)) return no_memory();
  if (!snappy::RawUncompress(packed.data(), packed.size(), out->data())) return malformed("snappy: corrupt input");
  out->size = size;
  return {};
}

/// Room for more output, or why there is none.
Outcome make_room(uint64_t max_bytes, ReservedBuffer* out) {
  if (out->size < out->capacity()) return {};
  if (out->size > max_bytes) return too_large(out->size, max_bytes);
  if (!out->grow(max_bytes + 1)) return no_memory();
  return {};
}

class Inflater {
 public:
  explicit Inflater(int window_bits) { ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;  // zlib keeps pointers into it
  Inflater& operator=(const Inflater&) = delete;
  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

Outcome unpack_zlib(std::string_view packed, bool gzip, uint64_t max_bytes, ReservedBuffer* out) {
  Inflater inflater(gzip ? MAX_WBITS + 16 : -MAX_WBITS);
  if (!inflater.ready()) return no_memory();
  z_stream& z = inflater.stream();
  z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));  // zlib does not write to it
  uint64_t left = packed.size();
  for (;;) {
    if (Outcome failure = make_room(max_bytes, out)) return failure;
    const auto room = static_cast<uInt>(std::min<uint64_t>(out->capacity() - out->size, kStepBytes));
    const auto given = static_cast<uInt>(std::min<uint64_t>(left, kStepBytes));
    z.next_out = reinterpret_cast<Bytef*>(out->data() + out->size);
    z.avail_out = room;
    z.avail_in = given;
    const int code = inflate(&z, Z_NO_FLUSH);
    left -= given - z.avail_in;
    out->size += room - z.avail_out;
    if (code == Z_STREAM_END) {
      if (!gzip || left == 0) break;
      if (inflateReset(&z) != Z_OK) return malformed("gzip: invalid header");
    } else if (code == Z_BUF_ERROR && left == 0) {
      return malformed("unexpected EOF");
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return malformed(gzip ? "gzip: invalid header or data" : "flate: corrupt input");
    } else if (left == 0 && z.avail_out > 0) {
      return malformed("unexpected EOF");
    }
  }
  if (out->size > max_bytes) return too_large(out->size, max_bytes);
  return {};
}

/// Windows beyond 8 MB are not taken: no level of zstd but --ultra makes them, and each request would hold one.
constexpr int kMaxWindowLog = 23;

Outcome unpack_zstd(std::string_view packed, uint64_t max_bytes, ReservedBuffer* out) {
  struct FreeContext {
    void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
  };
  const unsigned long long announced = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (announced == ZSTD_CONTENTSIZE_ERROR) return malformed("zstd: magic number mismatch");
  if (announced != ZSTD_CONTENTSIZE_UNKNOWN && announced > max_bytes) return too_large(announced, max_bytes);
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (context == nullptr) return no_memory();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  size_t hint = 1;
  while (in.pos < in.size || hint != 0) {
    if (Outcome failure = make_room(max_bytes, out)) return failure;
    ZSTD_outBuffer to{out->data() + out->size, static_cast<size_t>(out->capacity() - out->size), 0};
    const size_t before = in.pos;
    hint = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(hint)) return malformed(fmt::format("zstd: {}", ZSTD_getErrorName(hint)));
    out->size += to.pos;
    if (in.pos == before && to.pos == 0 && hint != 0) return malformed("unexpected EOF");
  }
  if (out->size > max_bytes) return too_large(out->size, max_bytes);
  return {};
}

Outcome unpack_lz4(std::string_view packed, uint64_t max_bytes, ReservedBuffer* out) {
  struct FreeContext {
    void operator()(LZ4F_dctx* c) const { LZ4F_freeDecompressionContext(c); }
  };
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) return no_memory();
  const std::unique_ptr<LZ4F_dctx, FreeContext> context(raw);
  size_t hint = 1;
  while (!packed.empty() || hint != 0) {
    if (Outcome failure = make_room(max_bytes, out)) return failure;
    size_t taken = packed.size();
    size_t made = out->capacity() - out->size;
    hint = LZ4F_decompress(context.get(), out->data() + out->size, &made, packed.data(), &taken, nullptr);
    if (LZ4F_isError(hint)) return malformed(fmt::format("lz4: {}", LZ4F_getErrorName(hint)));
    packed.remove_prefix(taken);
    out->size += made;
    if (taken == 0 && made == 0 && hint != 0) return malformed("unexpected EOF");
  }
  if (out->size > max_bytes) return too_large(out->size, max_bytes);
  return {};
}

}  // namespace

bool ReservedBuffer::reserve(uint64_t capacity) {
  if (capacity <= capacity_) return true;
  if (memory_ != nullptr) {
    // By steps, so that what is refused was not taken from others for long.
    for (uint64_t at = capacity_; at < capacity; at += kStepBytes) {
      const uint64_t step = std::min(kStepBytes, capacity - at);
      if (memory_->grow(step).ok()) continue;
      memory_->shrink(at - capacity_);
      return false;
    }
  }
  auto* grown = static_cast<char*>(std::realloc(data_.get(), capacity));
  if (grown == nullptr) {
    if (memory_ != nullptr) memory_->shrink(capacity - capacity_);
    return false;
  }
  static_cast<void>(data_.release());
  data_.reset(grown);
  capacity_ = capacity;
  return true;
}

bool ReservedBuffer::grow(uint64_t limit) {
  const uint64_t wanted = std::min(std::max(capacity_ + kStepBytes, capacity_ * 3 / 2), limit);
  return wanted > capacity_ && reserve(wanted);
}

std::optional<UnpackFailure> unpack_body(BodyEncoding encoding, std::string_view packed, uint64_t max_bytes,
                                         ReservedBuffer* out) {
  switch (encoding) {
    case BodyEncoding::none: return malformed("not packed");
    case BodyEncoding::snappy: return unpack_snappy(packed, max_bytes, out);
    case BodyEncoding::gzip: return unpack_zlib(packed, true, max_bytes, out);
    case BodyEncoding::deflate: return unpack_zlib(packed, false, max_bytes, out);
    case BodyEncoding::zstd: return unpack_zstd(packed, max_bytes, out);
    case BodyEncoding::lz4: return unpack_lz4(packed, max_bytes, out);
  }
  return malformed("unknown encoding");
}

}  // namespace cordwood::ingest
