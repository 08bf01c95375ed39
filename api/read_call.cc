// SPDX-License-Identifier: Apache-2.0
#include "api/read_call.h"

#include "api/text_response.h"

namespace cordwood::api {

static HttpResponse tenant_error(const Error& error) {
  // Sent before a handler of Loki is reached, so in the form of Go's http.Error.
  return text_response(error.kind == ErrorKind::not_found ? 401 : 400, error.message + "\n");
}

RouteHandler read_handler(const Services& services, std::function<Result<HttpResponse>(ReadCall&)> handler) {
  return [&services, handler = std::move(handler)](HttpRequest& request, const PathValues& path) {
    auto tenant = tenant_of(services.config->tenants, request);
    if (!tenant.ok()) return tenant_error(tenant.error());
    auto params = Params::parse(request);
    if (!params.ok()) return read_error(params.error());
    query::ReadContext context{
        .tenant = std::move(*tenant), .limits = services.config->query_limits, .cancelled = &request.cancelled};
    ReadCall call{request, std::move(*params), std::move(context), path, services.clock->now_ns()};
    auto response = handler(call);
    return response.ok() ? std::move(*response) : read_error(response.error());
  };
}

RouteOptions read_options(const Services& services) {
  return {.work = WorkClass::query, .body_limit_bytes = services.config->max_read_body_bytes, .refuse = nullptr};
}

HttpResponse query_error(const query::QueryError& error) {
  return text_response(error.status, error.message);
}

}  // namespace cordwood::api
