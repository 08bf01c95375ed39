// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/loki_json.h"
#include "api/read_call.h"
#include "api/text_response.h"

namespace cordwood::api {
namespace {

HttpResponse values_response(const query::Answer<std::vector<std::string>>& answer) {
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  return json_response(encode_values(std::get<std::vector<std::string>>(answer)));
}

Result<HttpResponse> label_names(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const TimeBounds bounds, parse_bounds(call.params, call.now_ns));
  return values_response(
      services.queries->labels(call.context, std::string(call.params.get("query")), bounds.start_ns, bounds.end_ns));
}

Result<HttpResponse> label_values(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const TimeBounds bounds, parse_bounds(call.params, call.now_ns));
  return values_response(services.queries->label_values(
      call.context, call.path.at(0), std::string(call.params.get("query")), bounds.start_ns, bounds.end_ns));
}

Result<HttpResponse> series(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const TimeBounds bounds, parse_bounds(call.params, call.now_ns));
  std::vector<std::string> matches = call.params.all("match");
  for (auto& match : call.params.all("match[]")) matches.push_back(std::move(match));
  const auto answer = services.queries->series(call.context, matches, bounds.start_ns, bounds.end_ns);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  return json_response(encode_series(std::get<std::vector<Labels>>(answer)));
}

}  // namespace

void add_label_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, Result<HttpResponse> (*handler)(const Services&, ReadCall&)) {
    router.add("GET POST", path, read_options(services),
               read_handler(services, [&services, handler](ReadCall& call) { return handler(services, call); }));
  };
  for (const char* path : {"/loki/api/v1/labels", "/loki/api/v1/label", "/api/prom/label"}) add(path, label_names);
  for (const char* path : {"/loki/api/v1/label/{name}/values", "/api/prom/label/{name}/values"}) {
    add(path, label_values);
  }
  for (const char* path : {"/loki/api/v1/series", "/api/prom/series"}) add(path, series);
}

}  // namespace cordwood::api
