// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "api/durations.h"
#include "api/handlers.h"
#include "api/read_call.h"
#include "api/text_response.h"
#include "api/trace_json.h"

namespace cordwood::api {
namespace {

Result<int64_t> time_or(const Params& params, std::string_view name, int64_t missing_ns) {
  const auto text = params.get(name);
  if (text.empty()) return missing_ns;
  auto time = parse_time(text);
  if (!time.ok())
    return Error::invalid("could not parse '" + std::string(name) + "' parameter: " + time.error().message);
  return time;
}

/// `start`, `end` and `limit`; all time and as many lines as there may be when they are missing.
Result<query::TraceRequest> parse_trace(const ReadCall& call) {
  query::TraceRequest request;
  request.id = call.path.at(0);
  TRY_ASSIGN(request.range.start_ns, time_or(call.params, "start", request.range.start_ns));
  TRY_ASSIGN(request.range.end_ns, time_or(call.params, "end", request.range.end_ns));
  if (request.range.empty()) return Error::invalid("end timestamp must not be before or equal to start time");
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  const auto most = static_cast<uint32_t>(std::min(call.context.limits.trace_max_lines, kMost));
  TRY_ASSIGN(request.limit, parse_limit(call.params, "limit", most));
  return request;
}

/// A count of lines (`20`) or a time (`30s`).
Result<query::TraceReach> parse_reach(const ReadCall& call, std::string_view name) {
  query::TraceReach reach;
  const auto text = call.params.get(name);
  if (text.empty()) return reach;
  const auto wrong = [&](const std::string& why) {
    return Error::invalid("could not parse '" + std::string(name) + "' parameter: " + why);
  };
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    const uint64_t most = call.context.limits.trace_max_lines;
    constexpr size_t kMaxDigits = 18;
    if (text.size() > kMaxDigits || std::stoull(std::string(text)) > most) {
      return wrong("more lines than traces.max_lines (" + std::to_string(most) + ")");
    }
    reach.lines = std::stoull(std::string(text));
    return reach;
  }
  auto time = parse_prometheus_duration(text);
  if (!time.ok()) return wrong("want a number of lines or a duration: " + time.error().message);
  reach.by_time = true;
  reach.time_ns = *time;
  return reach;
}

HttpResponse respond(const Services& services, const ReadCall& call, query::Answer<query::TraceAnswer> answer) {
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  auto& trace = std::get<query::TraceAnswer>(answer);
  services.log->info("trace", {{"path", call.http.path},
                               {"tenant", call.context.tenant},
                               {"trace_id", trace.trace_id},
                               {"duration_ms", static_cast<double>(trace.stats.execution_ns) / 1e6},
                               {"candidates", trace.stats.lines_processed},
                               {"returned", trace.stats.entries_returned},
                               {"blocks", trace.stats.blocks_in_range},
                               {"blocks_opened", trace.stats.read.blocks_opened},
                               {"bytes_read", trace.stats.read.bytes_read},
                               {"warnings", trace.warnings.size()}});
  return encode_trace(std::move(trace));
}

Result<HttpResponse> trace(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const query::TraceRequest request, parse_trace(call));
  return respond(services, call, services.queries->trace(call.context, request));
}

Result<HttpResponse> context(const Services& services, ReadCall& call) {
  query::TraceContextRequest request;
  TRY_ASSIGN(request.trace, parse_trace(call));
  TRY_ASSIGN(request.before, parse_reach(call, "before"));
  TRY_ASSIGN(request.after, parse_reach(call, "after"));
  return respond(services, call, services.queries->trace_context(call.context, request));
}

}  // namespace

void add_trace_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, Result<HttpResponse> (*handler)(const Services&, ReadCall&)) {
    router.add("GET", path, read_options(services),
               read_handler(services, [&services, handler](ReadCall& call) { return handler(services, call); }));
  };
  add("/api/v1/traces/{id}", trace);
  add("/api/v1/traces/{id}/context", context);
}

}  // namespace cordwood::api
