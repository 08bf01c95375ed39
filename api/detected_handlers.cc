// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/read_call.h"
#include "api/text_response.h"
#include "query/detected_answer.h"

namespace cordwood::api {
namespace {

constexpr uint32_t kDefaultLineLimit = 100;
constexpr uint32_t kDefaultDetectedLimit = 1000;

template <typename Items, typename Append>
void append_list(std::string_view name, const Items& items, Append append, std::string* out) {
  out->append("\"").append(name).append("\":[");
  for (size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out->push_back(',');
    append(items[i]);
  }
  out->push_back(']');
}

void append_texts(std::string_view name, const auto& texts, std::string* out) {
  append_list(
      name, texts, [out](std::string_view text) { append_json_string(text, JsonEscape::plain, out); }, out);
}

void append_field(const query::DetectedField& field, std::string* out) {
  out->append("{\"label\":");
  append_json_string(field.name, JsonEscape::plain, out);
  out->append(",\"type\":\"").append(field.type).append("\",\"cardinality\":");
  append_unsigned(field.cardinality, out);
  out->push_back(',');
  if (field.parsers.empty()) {
    out->append("\"parsers\":null");
  } else {
    append_texts("parsers", field.parsers, out);
  }
  if (!field.json_path.empty()) {
    out->push_back(',');
    append_texts("jsonPath", field.json_path, out);
  }
  out->push_back('}');
}

/// What is empty is left out, the limit too when there is nothing that it limits.
std::string encode_fields(const query::DetectedFields& answer, uint32_t limit) {
  std::string out = "{";
  if (!answer.fields.empty()) {
    append_list(
        "fields", answer.fields, [&out](const query::DetectedField& field) { append_field(field, &out); }, &out);
    out.push_back(',');
  }
  if (!answer.fields.empty() || !answer.values.empty()) {
    out += "\"limit\":";
    append_unsigned(limit, &out);
  }
  if (!answer.values.empty()) {
    out.push_back(',');
    append_texts("values", answer.values, &out);
  }
  return out + "}\n";
}

std::string encode_labels(const query::DetectedLabels& answer) {
  if (answer.labels.empty()) return "{}\n";
  std::string out = "{";
  append_list(
      "detectedLabels", answer.labels,
      [&out](const query::DetectedLabel& label) {
        out += "{\"label\":";
        append_json_string(label.name, JsonEscape::plain, &out);
        out += ",\"cardinality\":";
        append_unsigned(label.cardinality, &out);
        out.push_back('}');
      },
      &out);
  return out + "}\n";
}

void log_query(const Services& services, const ReadCall& call, const query::DetectedFieldsRequest& request,
               const query::DetectedFields& answer) {
  const query::QueryStats& s = answer.stats;
  services.log->info("query", {{"path", call.http.path},
                               {"tenant", call.context.tenant},
                               {"query", std::string_view(request.query).substr(0, kLoggedQueryBytes)},
                               {"duration_ms", static_cast<double>(s.execution_ns) / 1e6},
                               {"lines", s.lines_processed},
                               {"bytes", s.bytes_processed},
                               {"returned", answer.fields.size() + answer.values.size()},
                               {"blocks_opened", s.read.blocks_opened},
                               {"empty_reason", s.empty_reason}});
}

Result<HttpResponse> labels(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const TimeBounds bounds, parse_ordered_bounds(call.params, call.now_ns));
  const auto answer = services.queries->detected_labels(call.context, std::string(call.params.get("query")),
                                                        bounds.start_ns, bounds.end_ns);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  return json_response(encode_labels(std::get<query::DetectedLabels>(answer)));
}

/// With a name in the path: the values of that field.
Result<HttpResponse> fields(const Services& services, ReadCall& call) {
  query::DetectedFieldsRequest request;
  request.query = call.params.get("query");
  if (!call.path.empty()) request.values_of = call.path[0];
  TRY_ASSIGN(const TimeBounds bounds, parse_ordered_bounds(call.params, call.now_ns));
  request.start_ns = bounds.start_ns;
  request.end_ns = bounds.end_ns;
  TRY_ASSIGN(request.line_limit, parse_limit(call.params, "line_limit", kDefaultLineLimit));
  const char* limit_name = call.params.get("limit").empty() ? "field_limit" : "limit";
  TRY_ASSIGN(request.limit, parse_limit(call.params, limit_name, kDefaultDetectedLimit));
  TRY(parse_step(call.params, bounds));
  const auto answer = services.queries->detected_fields(call.context, request);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  const auto& found = std::get<query::DetectedFields>(answer);
  log_query(services, call, request, found);
  return json_response(encode_fields(found, request.limit));
}

}  // namespace

void add_detected_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, Result<HttpResponse> (*handler)(const Services&, ReadCall&)) {
    router.add("GET POST", path, read_options(services),
               read_handler(services, [&services, handler](ReadCall& call) { return handler(services, call); }));
  };
  add("/loki/api/v1/detected_labels", labels);
  add("/loki/api/v1/detected_fields", fields);
  add("/loki/api/v1/detected_field/{name}/values", fields);
}

}  // namespace cordwood::api
