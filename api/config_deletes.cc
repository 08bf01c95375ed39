// SPDX-License-Identifier: Apache-2.0
#include "api/config_deletes.h"

#include <nlohmann/json.hpp>

#include "api/config_values.h"
#include "api/durations.h"
#include "api/json_text.h"
#include "query/logql_parser.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

using Form = ConfigKey::Form;
using nlohmann::json;

constexpr int64_t kShortestPeriodNs = kNsPerDay;

Result<void> check_period(int64_t period_ns) {
  if (period_ns >= kShortestPeriodNs) return {};
  return Error::invalid("retention period must be >= 24h was " + print_duration(period_ns));
}

std::string text_of(const json& map, const char* name) {
  const auto found = map.find(name);
  if (found == map.end()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

Result<StreamRetention> read_rule(const json& map) {
  if (!map.is_object()) return Error::invalid("want maps of selector, priority and period");
  for (const auto& item : map.items()) {
    if (item.key() != "selector" && item.key() != "priority" && item.key() != "period") {
      return Error::invalid("unknown key " + item.key());
    }
  }
  StreamRetention rule;
  rule.selector = text_of(map, "selector");
  const auto matchers = query::parse_selector(rule.selector);
  if (!matchers.ok()) return Error::invalid("invalid labels matchers: " + matchers.error().message);
  const std::string priority = text_of(map, "priority");
  const Result<void> set = priority.empty() ? Result<void>() : set_integer(rule.priority, priority);
  if (!set.ok()) return set.error().with_context("priority");
  TRY_ASSIGN(rule.period_ns, parse_duration(text_of(map, "period")));
  TRY(check_period(rule.period_ns));
  return rule;
}

Result<void> set_rules(Config& config, std::string_view text) {
  std::vector<StreamRetention> rules;
  const json parsed = json::parse(text.empty() ? "[]" : text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_array()) return Error::invalid("want a list of maps");
  for (const json& map : parsed) {
    TRY_ASSIGN(StreamRetention rule, read_rule(map));
    rules.push_back(std::move(rule));
  }
  config.deletes.retention_stream = std::move(rules);
  return {};
}

ConfigKey duration_key(std::string name, int64_t DeleteSettings::*field, std::string help,
                       Result<void> (*check)(int64_t) = nullptr) {
  const auto set = [field, check](Config& config, std::string_view text) -> Result<void> {
    TRY_ASSIGN(const int64_t ns, parse_duration(text));
    if (ns < 0) return Error::invalid("want no negative duration");
    if (check != nullptr && ns != 0) TRY(check(ns));
    config.deletes.*field = ns;
    return {};
  };
  const auto print = [field](const Config& config) { return print_duration(config.deletes.*field); };
  return {std::move(name), std::move(help), Form::scalar, set, print};
}

}  // namespace

std::string print_retention_stream(const DeleteSettings& settings) {
  std::string out = "[";
  for (const StreamRetention& rule : settings.retention_stream) {
    if (out.size() > 1) out += ",";
    out += "{\"selector\":";
    append_json_string(rule.selector, JsonEscape::plain, &out);
    out += ",\"priority\":" + std::to_string(rule.priority) + ",\"period\":\"" + print_duration(rule.period_ns) + "\"}";
  }
  return out + "]";
}

RetentionRules retention_rules(const DeleteSettings& settings) {
  RetentionRules rules;
  if (!settings.retention_enabled) return rules;
  rules.period_ns = settings.retention_period_ns;
  for (const StreamRetention& stream : settings.retention_stream) {
    auto matchers = query::parse_selector(stream.selector);
    CHECK(matchers.ok(), "a selector that was checked: {}", stream.selector);
    rules.streams.push_back({std::move(*matchers), stream.priority, stream.period_ns});
  }
  return rules;
}

std::vector<ConfigKey> delete_keys() {
  const auto set_enabled = [](Config& config, std::string_view text) {
    return set_bool(config.deletes.retention_enabled, text);
  };
  const auto print_enabled = [](const Config& config) -> std::string {
    return config.deletes.retention_enabled ? "true" : "false";
  };
  const auto set_mode = [](Config& config, std::string_view text) -> Result<void> {
    if (text != "disabled" && text != "filter-only" && text != "filter-and-delete") {
      return Error::invalid("want disabled, filter-only or filter-and-delete");
    }
    config.deletes.mode = std::string(text);
    return {};
  };
  const auto set_most = [](Config& config, std::string_view text) {
    return set_integer(config.deletes.max_requests, text);
  };
  const auto print_most = [](const Config& config) { return std::to_string(config.deletes.max_requests); };
  const auto print_rules = [](const Config& config) { return print_retention_stream(config.deletes); };
  return {
      {"compactor.retention_enabled", "Apply retention, and have the delete API.", Form::scalar, set_enabled,
       print_enabled},
      duration_key("compactor.delete_request_cancel_period", &DeleteSettings::cancel_period_ns,
                   "How long a delete request may be cancelled; its rows are hidden at once and removed then."),
      duration_key("compactor.delete_max_interval", &DeleteSettings::max_interval_ns,
                   "Largest `max_interval` of a delete request."),
      {"compactor.delete_max_requests",
       "Delete requests of a tenant that wait to be carried out; further ones get 429; 0 = off.", Form::scalar,
       set_most, print_most},
      {"limits_config.deletion_mode",
       "`filter-and-delete`: deleted rows are hidden, then removed; `filter-only`: hidden; `disabled`: no delete API.",
       Form::text, set_mode, [](const Config& config) { return config.deletes.mode; }},
      duration_key("limits_config.retention_period", &DeleteSettings::retention_period_ns,
                   "How long rows are kept, at least 24h; 0 = for ever.", check_period),
      {"limits_config.retention_stream",
       "Other periods for some streams: `[{selector: '{app=\"x\"}', priority: 1, period: 24h}]`; the highest priority "
       "wins.",
       Form::maps, set_rules, print_rules},
  };
}

}  // namespace cordwood::api
