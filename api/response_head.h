// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/http_message.h"

namespace cordwood::api {

/// How an answer goes over the wire, beside what is in it.
struct Framing {
  bool http10 = false;
  bool keep = true;  ///< the connection stays open afterwards
  bool gzip = false;
  std::optional<uint64_t> length;  ///< nothing: sent in chunks, or (HTTP/1.0) until the connection closes
  int64_t now_ns = 0;
};

/// Status line and header fields, up to and with the empty line.
std::string response_head(const HttpResponse& response, const Framing& framing);

}  // namespace cordwood::api
