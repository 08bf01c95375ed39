// SPDX-License-Identifier: Apache-2.0
#include "api/read_call.h"

#include "api/text_response.h"

namespace cordwood::api {

static HttpResponse tenant_error(const Error& error) {
  // Sent before a handler of Loki is reached, so in the form of Go's http.Error.
  return text_response(error.kind == ErrorKind::not_found ? 401 : 400, error.message + "\n");
}

/// Whether the tags (`key=value,…`) name Logs Drilldown as the source: its panels show a part with a warning better
/// than an error.
static bool comes_from_drilldown(std::string_view tags) {
  while (!tags.empty()) {
    const size_t end = std::min(tags.find(','), tags.size());
    std::string_view tag = tags.substr(0, end);
    tags.remove_prefix(std::min(end + 1, tags.size()));
    const size_t middle = tag.find('=');
    if (middle == std::string_view::npos) continue;
    if (equal_without_case(tag.substr(0, middle), "source") &&
        equal_without_case(tag.substr(middle + 1), "grafana-lokiexplore-app")) {
      return true;
    }
  }
  return false;
}

RouteHandler read_handler(const Services& services, std::function<Result<HttpResponse>(ReadCall&)> handler) {
  return [&services, handler = std::move(handler)](HttpRequest& request, const PathValues& path) {
    auto tenant = tenant_of(services.config->tenants, request);
    if (!tenant.ok()) return tenant_error(tenant.error());
    auto params = Params::parse(request);
    if (!params.ok()) return read_error(params.error());
    query::ReadContext context{.tenant = std::move(*tenant),
                               .limits = services.config->query_limits,
                               .cancelled = &request.cancelled,
                               .takes_partial_series = comes_from_drilldown(request.headers.get("X-Query-Tags")),
                               .arrived_monotonic_ns = request.arrived_monotonic_ns};
    ReadCall call{request, std::move(*params), std::move(context), path, services.clock->now_ns()};
    auto response = handler(call);
    return response.ok() ? std::move(*response) : read_error(response.error());
  };
}

Result<query::RangeRequest> parse_range_request(const ReadCall& call) {
  query::RangeRequest request;
  request.query = call.params.get("query");
  TRY_ASSIGN(const TimeBounds bounds, parse_ordered_bounds(call.params, call.now_ns));
  request.start_ns = bounds.start_ns;
  request.end_ns = bounds.end_ns;
  TRY_ASSIGN(request.limit, parse_limit(call.params, "limit", kDefaultQueryLimit));
  TRY_ASSIGN(const bool forward, parse_forward(call.params));
  request.direction = forward ? query::Direction::forward : query::Direction::backward;
  TRY_ASSIGN(request.step_ns, parse_step(call.params, bounds));
  TRY_ASSIGN(request.interval_ns, parse_interval(call.params));
  return request;
}

RouteOptions read_options(const Services& services) {
  return {.work = WorkClass::query, .body_limit_bytes = services.config->max_read_body_bytes, .refuse = nullptr};
}

HttpResponse query_error(const query::QueryError& error) {
  return text_response(error.status, error.message);
}

}  // namespace cordwood::api
