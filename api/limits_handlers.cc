// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "api/build_version.h"
#include "api/config_deletes.h"
#include "api/durations.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/text_response.h"

namespace cordwood::api {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(text, JsonEscape::plain, &out);
  return out;
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) out += (out.size() > 1 ? "," : "") + json_text(text);
  return out + "]";
}

/// Resource attributes that become labels, in the form of Loki's setting.
std::string otlp_config(const std::vector<std::string>& labels) {
  if (labels.empty()) return "{}";
  return R"({"resource_attributes":{"attributes_config":[{"action":"index_label","attributes":)" + json_list(labels) +
         "}]}}";
}

/// The limits that Loki publishes by default; a value is JSON, which YAML reads too.
std::vector<std::pair<std::string, std::string>> published_limits(const Config& config) {
  const auto flag = [](bool value) -> std::string { return value ? "true" : "false"; };
  const auto& in = config.ingest_limits;
  const auto& out = config.query_limits;
  return {{"discover_log_levels", flag(in.discover_log_levels)},
          {"discover_service_name", json_list(in.discover_service_name)},
          {"log_level_fields", json_list(in.log_level_fields)},
          {"max_entries_limit_per_query", std::to_string(out.max_entries_limit_per_query)},
          {"max_line_size_truncate", flag(in.max_line_size_truncate)},
          {"max_query_bytes_read", json_text(print_byte_size(out.max_query_bytes_read))},
          {"max_query_length", json_text(print_duration(out.max_query_length_ns))},
          {"max_query_lookback", json_text(print_duration(out.max_query_lookback_ns))},
          {"max_query_range", json_text(print_duration(out.max_query_range_ns))},
          {"max_query_series", std::to_string(out.max_query_series)},
          {"metric_aggregation_enabled", "false"},
          {"otlp_config", otlp_config(in.otlp_index_labels)},
          {"pattern_persistence_enabled", "false"},
          {"query_timeout", json_text(print_duration(out.query_timeout_ns))},

          {"retention_period", json_text(print_duration(config.deletes.retention_period_ns))},
          {"retention_stream", print_retention_stream(config.deletes)},
          {"volume_enabled", flag(out.volume_enabled)},
          {"volume_max_series", std::to_string(out.volume_max_series)}};
}

HttpResponse drilldown(const Services& services, const HttpRequest& request) {
  if (request.headers.get("X-Scope-OrgID").empty()) return text_response(401, "no org id\n");
  std::string out = "{\"limits\":{";
  for (const auto& [key, value] : published_limits(*services.config)) {
    if (out.back() != '{') out.push_back(',');
    out += "\"" + key + "\":" + value;
  }
  out += "},\"pattern_ingester_enabled\":true,\"version\":\"" + std::string(kLokiVersion) + "\"}\n";
  return json_response(std::move(out));
}

HttpResponse tenant_limits(const Services& services, const HttpRequest& request) {
  if (request.headers.get("X-Scope-OrgID").empty()) return text_response(401, "no org id\n");
  std::string out;
  for (const auto& [key, value] : published_limits(*services.config)) out += key + ": " + value + "\n";
  return text_response(200, std::move(out));
}

}  // namespace

void add_limits_routes(Router& router, const Services& services) {
  router.add("GET", "/loki/api/v1/drilldown-limits", {},
             [&services](HttpRequest& request, const PathValues&) { return drilldown(services, request); });
  router.add("GET", "/config/tenant/v1/limits", {},
             [&services](HttpRequest& request, const PathValues&) { return tenant_limits(services, request); });
}

}  // namespace cordwood::api
