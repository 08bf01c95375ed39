// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/read_call.h"
#include "api/text_response.h"
#include "query/pattern_answer.h"

namespace cordwood::api {
namespace {

std::string encode_patterns(const query::PatternAnswer& answer) {
  std::string out = "{\"status\":\"success\",\"data\":[";
  for (const query::PatternCounts& one : answer.patterns) {
    out += out.back() == '[' ? "{\"pattern\":" : ",{\"pattern\":";
    append_json_string(one.pattern, JsonEscape::plain, &out);
    if (!one.level.empty()) {
      out += ",\"level\":";
      append_json_string(one.level, JsonEscape::plain, &out);
    }
    out += ",\"samples\":[";
    for (const auto& [time_s, lines] : one.samples) {
      out += out.back() == '[' ? "[" : ",[";
      append_integer(time_s, &out);
      out.push_back(',');
      append_unsigned(lines, &out);
      out.push_back(']');
    }
    out += "]}";
  }
  return out + "]}\n";
}

Result<HttpResponse> patterns(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const query::RangeRequest range, parse_range_request(call));
  auto answer = services.queries->patterns(
      call.context,
      {.query = range.query, .start_ns = range.start_ns, .end_ns = range.end_ns, .step_ns = range.step_ns});
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  const auto& found = std::get<query::PatternAnswer>(answer);
  services.log->info("patterns", {{"tenant", call.context.tenant},
                                  {"query", std::string_view(range.query).substr(0, kLoggedQueryBytes)},
                                  {"duration_ms", static_cast<double>(found.stats.execution_ns) / 1e6},
                                  {"lines", found.stats.lines_processed},
                                  {"returned", found.patterns.size()}});
  return json_response(encode_patterns(found));
}

}  // namespace

void add_pattern_routes(Router& router, const Services& services) {
  router.add("GET POST", "/loki/api/v1/patterns", read_options(services),
             read_handler(services, [&services](ReadCall& call) { return patterns(services, call); }));
}

}  // namespace cordwood::api
