// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "api/handlers.h"
#include "api/json_text.h"
#include "api/loki_json.h"
#include "api/read_call.h"
#include "api/text_response.h"
#include "query/log_query_text.h"

namespace cordwood::api {
namespace {

void log_query(const Services& services, const ReadCall& call, std::string_view query, const query::QueryResult& r) {
  const query::QueryStats& s = r.stats;
  services.log->info("query", {{"path", call.http.path},
                               {"tenant", call.context.tenant},
                               {"query", query.substr(0, kLoggedQueryBytes)},
                               {"duration_ms", static_cast<double>(s.execution_ns) / 1e6},
                               {"cpu_ms", static_cast<double>(s.cpu_ns) / 1e6},
                               {"lines", s.lines_processed},
                               {"bytes", s.bytes_processed},
                               {"returned", s.entries_returned},
                               {"blocks_opened", s.read.blocks_opened},
                               {"empty_reason", s.empty_reason}});
}

Result<HttpResponse> range(const Services& services, ReadCall& call) {
  TRY_ASSIGN(query::RangeRequest request, parse_range_request(call));
  QueryEncoding encoding = encoding_of(call.http);
  request.categorize_labels = encoding.categorize_labels;
  if (const std::string_view skip = call.http.headers.get(kSkipHeader); !skip.empty()) {
    const auto parsed = std::from_chars(skip.data(), skip.data() + skip.size(), request.skip);
    if (parsed.ec != std::errc() || parsed.ptr != skip.data() + skip.size()) {
      return Error::invalid("X-Cordwood-Skip: want a whole number");
    }
  }
  auto answer = services.queries->range(call.context, request);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  auto& result = std::get<query::QueryResult>(answer);
  log_query(services, call, request.query, result);
  HttpResponse response = encode_query(std::move(result), std::move(encoding));
  if (request.skip > 0) response.headers.emplace_back(std::string(kSkipHeader), std::to_string(request.skip));
  return response;
}

Result<HttpResponse> instant(const Services& services, ReadCall& call) {
  query::InstantRequest request;
  request.query = call.params.get("query");
  TRY_ASSIGN(request.limit, parse_limit(call.params, "limit", kDefaultQueryLimit));
  TRY_ASSIGN(request.time_ns, parse_instant(call.params, call.now_ns));
  TRY_ASSIGN(const bool forward, parse_forward(call.params));
  request.direction = forward ? query::Direction::forward : query::Direction::backward;
  auto answer = services.queries->instant(call.context, request);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  auto& result = std::get<query::QueryResult>(answer);
  log_query(services, call, request.query, result);
  return encode_query(std::move(result), encoding_of(call.http));
}

Result<HttpResponse> legacy(const Services& services, ReadCall& call) {
  TRY_ASSIGN(query::RangeRequest request, parse_range_request(call));
  if (const auto expression = call.params.get("regexp"); !expression.empty()) {
    TRY_ASSIGN(request.query, query::with_line_regex(request.query, expression));
  }
  auto answer = services.queries->range(call.context, request);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  const auto& result = std::get<query::QueryResult>(answer);
  log_query(services, call, request.query, result);
  const auto* streams = std::get_if<query::Streams>(&result.data);
  if (streams == nullptr) {
    return text_response(400, "rpc error: code = Code(400) desc = legacy endpoints only support streams result type");
  }
  return encode_legacy_streams(*streams, result.stats);
}

HttpResponse format(HttpRequest& request) {
  auto params = Params::parse(request);
  if (!params.ok()) return read_error(params.error());
  const auto answer = query::QueryEngine::format(std::string(params->get("query")));
  std::string out;
  HttpResponse response;
  if (const auto* error = std::get_if<query::QueryError>(&answer)) {
    response.status = error->status;
    out = "{\"status\":\"invalid-query\",\"error\":";
    append_json_string(error->message, JsonEscape::html, &out);
  } else {
    out = "{\"status\":\"success\",\"data\":";
    append_json_string(std::get<std::string>(answer), JsonEscape::html, &out);
  }
  response.content_type = "application/json; charset=utf-8";
  response.body = out + "}\n";
  return response;
}

}  // namespace

void add_query_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, Result<HttpResponse> (*handler)(const Services&, ReadCall&)) {
    router.add("GET POST", path, read_options(services),
               read_handler(services, [&services, handler](ReadCall& call) { return handler(services, call); }));
  };
  add("/loki/api/v1/query_range", range);
  add("/loki/api/v1/query", instant);
  add("/api/prom/query", legacy);
  router.add("GET POST", "/loki/api/v1/format_query", read_options(services),
             [](HttpRequest& request, const PathValues&) { return format(request); });
}

}  // namespace cordwood::api
