// SPDX-License-Identifier: Apache-2.0
#include "api/gzip_stream.h"

#include <isa-l/igzip_lib.h>

#include "storage/base/check.h"

namespace cordwood::api {

struct GzipStream::State {
  isal_zstream z{};
  std::unique_ptr<uint8_t[]> level_buffer = std::make_unique_for_overwrite<uint8_t[]>(ISAL_DEF_LVL1_DEFAULT);
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
  isal_zstream& z = state_->z;
  isal_deflate_init(&z);
  z.gzip_flag = IGZIP_GZIP;
  // The answer goes to a browser near by; the processor is dearer than the wire.
  z.level = 1;
  z.level_buf = state_->level_buffer.get();
  z.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
}

GzipStream::~GzipStream() = default;

void GzipStream::write(std::string_view piece, bool last, std::string* out) {
  isal_zstream& z = state_->z;
  z.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(piece.data()));
  z.avail_in = static_cast<uint32_t>(piece.size());
  z.end_of_stream = last ? 1 : 0;
  uint8_t buffer[16 << 10];
  do {
    z.next_out = buffer;
    z.avail_out = sizeof buffer;
    const int rc = isal_deflate(&z);
    CHECK(rc == COMP_OK, "isal_deflate answers {}", rc);
    out->append(reinterpret_cast<const char*>(buffer), sizeof buffer - z.avail_out);
  } while (z.avail_out == 0 || (last && z.internal_state.state != ZSTATE_END));
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
