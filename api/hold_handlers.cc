// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "api/act_call.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/text_response.h"
#include "query/logql_parser.h"

namespace cordwood::api {
namespace {

constexpr uint32_t kDefaultLines = 100;
constexpr uint32_t kMostLines = 5000;

std::string json_of(const LegalHold& hold) {
  std::string out = "{\"id\":\"" + hold.id + "\",\"query\":";
  append_json_string(hold.selector, JsonEscape::plain, &out);
  out += fmt::format(",\"start\":\"{}\",\"end\":\"{}\",\"reason\":", hold.start_ns, hold.end_ns);
  append_json_string(hold.reason, JsonEscape::plain, &out);
  return out + fmt::format(",\"created\":\"{}\"}}", hold.created_ns);
}

lifecycle::AuditLog::Entry entry_of(const char* act, const LegalHold& hold) {
  lifecycle::AuditLog::Entry entry;
  entry.act = act;
  entry.tenant = hold.tenant;
  entry.id = hold.id;
  entry.query = hold.selector;
  entry.start_ns = hold.start_ns;
  entry.end_ns = hold.end_ns;
  entry.reason = hold.reason;
  return entry;
}

Result<HttpResponse> set_hold(const Services& services, const ActCall& call) {
  LegalHold hold;
  hold.tenant = call.tenant;
  hold.selector = call.params.get("query");
  if (hold.selector.empty()) return Error::invalid("query not set");
  TRY(query::parse_selector(hold.selector, query::SelectorRule::any));
  hold.start_ns = std::numeric_limits<int64_t>::min();
  hold.end_ns = std::numeric_limits<int64_t>::max();
  if (const std::string_view start = call.params.get("start"); !start.empty()) {
    TRY_ASSIGN(hold.start_ns, parse_time(start));
  }
  if (const std::string_view end = call.params.get("end"); !end.empty()) {
    TRY_ASSIGN(hold.end_ns, parse_time(end));
  }
  if (hold.start_ns > hold.end_ns) return Error::invalid("start time can't be greater than end time");
  hold.reason = call.params.get("reason");
  hold.created_ns = call.now_ns;
  hold.id = services.new_id();
  TRY(act(services, entry_of("hold_set", hold), [&] { return services.engine->delete_target()->set_hold(hold); }));
  return json_response("{\"status\":\"success\",\"data\":" + json_of(hold) + "}\n");
}

Result<HttpResponse> list_holds(const Services& services, const ActCall& call) {
  std::string out = "{\"status\":\"success\",\"data\":[";
  for (const LegalHold& hold : services.engine->delete_target()->acts().holds) {
    if (hold.tenant != call.tenant) continue;
    if (out.back() != '[') out += ",";
    out += json_of(hold);
  }
  return json_response(out + "]}\n");
}

Result<HttpResponse> lift_hold(const Services& services, const ActCall& call) {
  DeleteTarget& target = *services.engine->delete_target();
  const CatalogActs acts = target.acts();
  const auto hold = std::find_if(acts.holds.begin(), acts.holds.end(),
                                 [&](const auto& h) { return h.id == call.path[0] && h.tenant == call.tenant; });
  if (hold == acts.holds.end()) return Error::not_found("there is no such hold");
  TRY(act(services, entry_of("hold_lifted", *hold), [&] { return target.lift_hold(hold->id); }));
  HttpResponse response;
  response.status = 204;
  return response;
}

Result<HttpResponse> audit(const Services& services, const ActCall& call) {
  uint32_t limit = kDefaultLines;
  if (!call.params.get("limit").empty()) {
    TRY_ASSIGN(limit, parse_limit(call.params, "limit", kDefaultLines));
  }
  TRY_ASSIGN(const std::vector<std::string> lines, services.audit->newest(call.tenant, std::min(limit, kMostLines)));
  std::string out = "{\"status\":\"success\",\"data\":[";
  for (const std::string& line : lines) {
    if (out.back() != '[') out += ",";
    out += line;
  }
  return json_response(out + "]}\n");
}

}  // namespace

void add_hold_routes(Router& router, const Services& services) {
  const auto add = [&](const char* methods, const char* path,
                       Result<HttpResponse> (*handler)(const Services&, const ActCall&)) {
    router.add(methods, path, act_options(),
               act_handler(services, ActParams::url_and_form,
                           [&services, handler](const ActCall& call) { return handler(services, call); }));
  };
  add("POST", "/api/v1/holds", set_hold);
  add("GET", "/api/v1/holds", list_holds);
  add("DELETE", "/api/v1/holds/{id}", lift_hold);
  add("GET", "/api/v1/audit", audit);
}

}  // namespace cordwood::api
