// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/handlers.h"
#include "api/text_response.h"
#include "ingest/otlp_answer.h"

namespace cordwood::api {
namespace {

using ingest::PushProtocol;

/// google.rpc.Status with nothing but the message, as OTLP clients read it.
std::string encode_status(std::string_view message) {
  std::string out = "\x12";
  for (size_t left = message.size();;) {
    const auto low = static_cast<unsigned char>(left & 0x7f);
    left >>= 7;
    out.push_back(static_cast<char>(left != 0 ? low | 0x80 : low));
    if (left == 0) break;
  }
  return out.append(message);
}

HttpResponse to_http(ingest::PushResponse pushed) {
  HttpResponse response;
  response.status = pushed.status;
  response.content_type = std::move(pushed.content_type);
  if (response.status >= 400) response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  if (pushed.retry_after_s > 0) response.headers.emplace_back("Retry-After", std::to_string(pushed.retry_after_s));
  response.body = std::move(pushed.body);
  return response;
}

HttpResponse refusal(PushProtocol protocol, const HttpRequest& request, int status, const std::string& message) {
  if (protocol == PushProtocol::otlp_spec) {
    const auto encoding = ingest::otlp_encoding_of(request.headers.get("Content-Type"));
    return to_http(ingest::otlp_error_response(encoding, status, message));
  }
  if (protocol != PushProtocol::otlp) return text_response(status, message + "\n");
  HttpResponse response;
  response.status = status;
  response.content_type = "application/octet-stream";
  response.body = encode_status(message);
  return response;
}

HttpResponse try_later(PushProtocol protocol, const HttpRequest& request, const std::string& message) {
  HttpResponse response = refusal(protocol, request, 503, message);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse refuse_body(PushProtocol protocol, const HttpRequest& request) {
  if (request.body_state == BodyState::too_large) {
    return refusal(protocol, request, 413,
                   fmt::format("request body too large: message size too large than max ({} vs {})", request.body_bytes,
                               request.body_limit_bytes));
  }
  return try_later(protocol, request, "The server cannot accept more requests at this time.");
}

HttpResponse push(const Services& services, PushProtocol protocol, HttpRequest& http) {
  auto tenant = tenant_of(services.config->tenants, http);
  if (!tenant.ok()) {
    return refusal(protocol, http, tenant.error().kind == ErrorKind::not_found ? 401 : 400, tenant.error().message);
  }
  if (const std::string why = services.push_refused ? services.push_refused() : ""; !why.empty()) {
    return try_later(protocol, http, why);
  }
  ingest::PushRequest request;
  request.tenant = std::move(*tenant);
  request.protocol = protocol;
  request.content_type = http.headers.get("Content-Type");
  request.content_encoding = http.headers.get("Content-Encoding");
  request.body = http.body;
  return to_http(services.pusher->push(request));
}

}  // namespace

void add_push_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, PushProtocol protocol) {
    RouteOptions options{.work = WorkClass::push,
                         .body_limit_bytes = services.config->ingest.max_recv_msg_size_bytes,
                         .refuse = [protocol](const HttpRequest& r) { return refuse_body(protocol, r); }};
    router.add("POST", path, std::move(options), [&services, protocol](HttpRequest& request, const PathValues&) {
      return push(services, protocol, request);
    });
  };
  add("/loki/api/v1/push", PushProtocol::loki);
  add("/api/prom/push", PushProtocol::loki_legacy);
  add("/otlp/v1/logs", PushProtocol::otlp);
  add("/v1/logs", PushProtocol::otlp_spec);
}

}  // namespace cordwood::api
