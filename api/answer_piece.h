// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "api/gzip_stream.h"
#include "api/http_message.h"

namespace cordwood::api {

/// What goes over the wire next of an answer's body, packed when the client wants that and it pays.
struct AnswerPiece {
  std::string bytes;
  bool last = true;
  std::unique_ptr<GzipStream> gzip;

  /// Takes the body, or the first piece of a streamed one.
  void begin(const HttpRequest& request, HttpResponse& response);
  /// The next piece of a streamed one.
  void go_on(HttpResponse& response);
};

}  // namespace cordwood::api
