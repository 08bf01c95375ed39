// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <atomic>

#include "api/act_call.h"
#include "api/durations.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/text_response.h"
#include "lifecycle/eraser.h"
#include "query/delete_predicate.h"
#include "query/duration_text.h"

namespace cordwood::api {
namespace {

constexpr size_t kUnixDigits = 10;

/// RFC 3339 or seconds; at a precision of ms.
Result<int64_t> parse_act_time(std::string_view name, std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const Error wrong = Error::invalid(fmt::format("invalid {}: require unix seconds or RFC3339 format", name));
  if (digits ? text.size() != kUnixDigits : text.find('T') == std::string_view::npos) return wrong;
  const auto time_ns = parse_time(text);
  if (!time_ns.ok()) return wrong;
  return floor_div(*time_ns, kNsPerMs) * kNsPerMs;
}

Result<void> check_max_interval(const Services& services, std::string_view text) {
  if (text.empty()) return {};
  const auto wanted_ns = query::parse_go_duration(text);
  const bool units = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == 's' || c == 'm' || c == 'h' || c == '.';
  });
  if (!wanted_ns.ok() || !units) {
    return Error::invalid("invalid max_interval: valid time units are 's', 'm', 'h'");
  }
  const int64_t most_ns = services.config->deletes.max_interval_ns;
  if (*wanted_ns <= most_ns) return {};
  return Error::invalid("max_interval can't be greater than " + query::format_go_duration(most_ns));
}

Result<DeleteRequest> parse_request(const Services& services, const ActCall& call) {
  DeleteRequest request;
  request.tenant = call.tenant;
  request.query = call.params.get("query");
  if (request.query.empty()) return Error::invalid("query not set");
  if (!query::DeletePredicateCompiler().compile(request.query).ok()) return Error::invalid("invalid query expression");
  const std::string_view start = call.params.get("start");
  if (start.empty()) return Error::invalid("start time not set");
  TRY_ASSIGN(request.start_ns, parse_act_time("start time", start));
  request.end_ns = floor_div(call.now_ns, kNsPerMs) * kNsPerMs;
  if (const std::string_view end = call.params.get("end"); !end.empty()) {
    TRY_ASSIGN(request.end_ns, parse_act_time("end time", end));
  }
  if (request.end_ns > call.now_ns) return Error::invalid("deletes in the future are not allowed");
  if (request.start_ns >= request.end_ns)
    return Error::invalid("start time can't be greater than or equal to end time");
  TRY(check_max_interval(services, call.params.get("max_interval")));
  request.created_ns = call.now_ns;
  return request;
}

lifecycle::AuditLog::Entry entry_of(const char* act, const DeleteRequest& request) {
  lifecycle::AuditLog::Entry entry;
  entry.act = act;
  entry.tenant = request.tenant;
  entry.id = request.id;
  entry.query = request.query;
  entry.start_ns = request.start_ns;
  entry.end_ns = request.end_ns;
  return entry;
}

Result<HttpResponse> request_delete(const Services& services, const ActCall& call) {
  TRY_ASSIGN(DeleteRequest request, parse_request(services, call));
  const uint64_t most = services.config->deletes.max_requests;
  if (most > 0 && services.engine->delete_target()->deletes_waiting(request.tenant) >= most) {
    return text_response(429, fmt::format("{} delete requests wait to be carried out already "
                                          "(compactor.delete_max_requests)\n",
                                          most));
  }
  request.id = services.new_id();
  const std::string id = request.id;
  TRY(act(services, entry_of("delete_requested", request),
          [&] { return services.engine->delete_target()->request_delete(request); }));
  HttpResponse response;
  response.status = 204;
  response.headers.emplace_back("X-Delete-Request-ID", id);
  return response;
}

std::string status_of(const Services& services, const DeleteRequest& request, bool* held) {
  if (request.state == DeleteRequest::State::processed) return "processed";
  const auto progress = services.eraser->progress(request.id);
  *held = progress.held;
  return progress.percent == 0 ? "received" : fmt::format("{}% Complete", progress.percent);
}

Result<HttpResponse> list_deletes(const Services& services, const ActCall& call) {
  const bool filtering = call.params.get("for_querytime_filtering") == "true";
  int64_t start_ns = INT64_MIN;
  int64_t end_ns = INT64_MAX;
  if (const std::string_view start = call.params.get("start"); !start.empty()) {
    TRY_ASSIGN(start_ns, parse_act_time("start time", start));
  }
  if (const std::string_view end = call.params.get("end"); !end.empty()) {
    TRY_ASSIGN(end_ns, parse_act_time("end time", end));
  }
  std::string out = "[";
  for (const DeleteRequest& request : services.engine->delete_target()->acts().deletes) {
    if (request.tenant != call.tenant || request.end_ns < start_ns || request.start_ns > end_ns) continue;
    if (filtering && request.state == DeleteRequest::State::processed) continue;
    if (out.size() > 1) out += ",";
    bool held = false;
    out += "{\"request_id\":\"" + request.id + "\",\"start_time\":";
    append_seconds(request.start_ns / kNsPerMs, &out);
    out += ",\"end_time\":";
    append_seconds(request.end_ns / kNsPerMs, &out);
    out += ",\"query\":";
    append_json_string(request.query, JsonEscape::html, &out);
    out += ",\"status\":\"" + status_of(services, request, &held) + "\",\"created_at\":";
    append_seconds(floor_div(request.created_ns, kNsPerMs), &out);
    out += ",\"user_id\":\"\"";
    if (held) out += ",\"held\":true";
    out += "}";
  }
  return json_response(out + "]\n");
}

Result<HttpResponse> cancel_delete(const Services& services, const ActCall& call) {
  const std::string id(call.params.get("request_id"));
  const bool force = call.params.get("force") == "true";
  DeleteTarget& target = *services.engine->delete_target();
  const CatalogActs acts = target.acts();
  const auto request = std::find_if(acts.deletes.begin(), acts.deletes.end(),
                                    [&](const auto& r) { return r.id == id && r.tenant == call.tenant; });
  if (request == acts.deletes.end()) return text_response(404, "could not find delete request with given id\n");
  if (request->state == DeleteRequest::State::processed || (request->begun && !force)) {
    return Error::invalid("deletion of request which is in process or already processed is not allowed");
  }
  const int64_t period_ns = services.config->deletes.cancel_period_ns;
  if (!force && call.now_ns - request->created_ns > period_ns) {
    return Error::invalid(fmt::format("deletion of request past the deadline of {} since its creation is not allowed",
                                      query::format_go_duration(period_ns)));
  }
  TRY(act(services, entry_of("delete_cancelled", *request), [&] { return target.cancel_delete(id, force); }));
  HttpResponse response;
  response.status = 204;
  return response;
}

/// Grows with everything that changes what is hidden.
std::string generation_number(const Services& services, const TenantId& tenant, uint64_t added) {
  uint64_t number = added;
  for (const DeleteRequest& request : services.engine->delete_target()->acts().deletes) {
    if (request.tenant == tenant) number += request.state == DeleteRequest::State::processed ? 2 : 1;
  }
  return std::to_string(number);
}

}  // namespace

void add_delete_routes(Router& router, const Services& services) {
  if (!services.config->deletes.retention_enabled) return;
  const auto add = [&](const char* methods, const char* path,
                       Result<HttpResponse> (*handler)(const Services&, const ActCall&)) {
    router.add(methods, path, act_options(),
               act_handler(services, ActParams::url, [&services, handler](const ActCall& call) -> Result<HttpResponse> {
                 if (services.config->deletes.mode == "disabled") {
                   return text_response(403, "deletion is not available for this tenant\n");
                 }
                 return handler(services, call);
               }));
  };
  add("PUT POST", "/loki/api/v1/delete", request_delete);
  add("GET", "/loki/api/v1/delete", list_deletes);
  add("DELETE", "/loki/api/v1/delete", cancel_delete);
  const auto increased = std::make_shared<std::atomic<uint64_t>>(0);
  router.add("GET", "/loki/api/v1/cache/generation_numbers", act_options(),
             act_handler(services, ActParams::url, [&services, increased](const ActCall& call) -> Result<HttpResponse> {
               return json_response("\"" + generation_number(services, call.tenant, *increased) + "\"\n");
             }));
  router.add("POST", "/loki/api/v1/cache/generation_numbers/increase", act_options(),
             act_handler(services, ActParams::url, [increased](const ActCall&) -> Result<HttpResponse> {
               ++*increased;
               HttpResponse response;
               response.status = 204;
               return response;
             }));
}

}  // namespace cordwood::api
