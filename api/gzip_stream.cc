// SPDX-License-Identifier: Apache-2.0
#include "api/gzip_stream.h"

#include <zlib.h>

#include "storage/base/check.h"

namespace cordwood::api {

struct GzipStream::State {
  z_stream z{};
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
  constexpr int kGzipWindow = 15 + 16;
  // Level 1: the answer goes to a browser near by; the processor is dearer than the wire.
  const int rc = deflateInit2(&state_->z, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  CHECK(rc == Z_OK, "deflateInit2 answers {}", rc);
}

GzipStream::~GzipStream() {
  deflateEnd(&state_->z);
}

void GzipStream::write(std::string_view piece, bool last, std::string* out) {
  z_stream& z = state_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  z.avail_in = static_cast<uInt>(piece.size());
  char buffer[16 << 10];
  int rc = Z_OK;
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    rc = deflate(&z, last ? Z_FINISH : Z_NO_FLUSH);
    CHECK(rc != Z_STREAM_ERROR, "deflate was called out of order");
    out->append(buffer, sizeof buffer - z.avail_out);
  } while (z.avail_out == 0 || (last && rc != Z_STREAM_END));
}

bool accepts_gzip(std::string_view accept_encoding) {
  size_t at = 0;
  while (at < accept_encoding.size()) {
    const size_t end = std::min(accept_encoding.find(',', at), accept_encoding.size());
    std::string_view item = accept_encoding.substr(at, end - at);
    at = end + 1;
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    const size_t name_end = item.find_first_of("; \t");
    const std::string_view name = item.substr(0, name_end);
    if (name != "gzip" && name != "*") continue;
    const size_t q = item.find("q=");
    const bool refused =
        q != std::string_view::npos && item.substr(q + 2).find_first_not_of("0. ") == std::string_view::npos;
    if (name == "gzip" || !refused) return !refused;
  }
  return false;
}

}  // namespace cordwood::api
