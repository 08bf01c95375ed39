// SPDX-License-Identifier: Apache-2.0
#include "api/answer_piece.h"

#include "api/response_head.h"

namespace cordwood::api {

static constexpr size_t kPieceBytes = 256 << 10;  // of a streamed answer
static constexpr size_t kGzipFromBytes = 1400;    // smaller answers go as they are

/// True when there is more.
static bool fill(HttpResponse& response, std::string* out) {
  bool more = true;
  while (more && out->size() < kPieceBytes) more = response.stream(out);
  return more;
}

static void pack(AnswerPiece& piece) {
  std::string packed;
  piece.gzip->write(piece.bytes, piece.last, &packed);
  piece.bytes = std::move(packed);
}

void AnswerPiece::begin(const HttpRequest& request, HttpResponse& response) {
  bytes = std::move(response.body);
  if (response.stream) last = !fill(response, &bytes);
  const bool packable =
      response.content_type.starts_with("application/json") || response.content_type.starts_with("text/");
  if ((!last || bytes.size() >= kGzipFromBytes) && packable && accepts_gzip(request.headers.get("Accept-Encoding"))) {
    gzip = std::make_unique<GzipStream>();
    pack(*this);
  }
}

void AnswerPiece::go_on(HttpResponse& response) {
  bytes.clear();
  last = !fill(response, &bytes);
  if (gzip) pack(*this);
}

}  // namespace cordwood::api
