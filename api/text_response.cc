// SPDX-License-Identifier: Apache-2.0
#include "api/text_response.h"

namespace cordwood::api {

HttpResponse text_response(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  if (status >= 400) response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.body = std::move(text);
  return response;
}

static int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid: return 400;
    case ErrorKind::not_found: return 404;
    case ErrorKind::unavailable: return 503;
    case ErrorKind::exhausted: return 429;
    case ErrorKind::cancelled: return 499;
    case ErrorKind::timeout: return 504;
    case ErrorKind::corrupt:
    case ErrorKind::io: return 500;
  }
  return 500;
}

HttpResponse read_error(const Error& error) {
  return text_response(status_of(error.kind), error.message);
}

HttpResponse json_response(std::string json) {
  HttpResponse response;
  response.content_type = "application/json; charset=UTF-8";
  response.body = std::move(json);
  return response;
}

}  // namespace cordwood::api
