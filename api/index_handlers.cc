// SPDX-License-Identifier: Apache-2.0
#include "api/durations.h"
#include "api/handlers.h"
#include "api/loki_json.h"
#include "api/read_call.h"
#include "api/text_response.h"
#include "query/log_query_text.h"

namespace cordwood::api {
namespace {

constexpr uint32_t kDefaultVolumeLimit = 100;

Result<HttpResponse> stats(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const query::RangeRequest request, parse_range_request(call));
  query::QueryStats cost;
  const auto answer =
      services.queries->index_stats(call.context, request.query, request.start_ns, request.end_ns, &cost);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  return json_response(encode_index_stats(std::get<query::IndexStats>(answer)));
}

/// One shard holds everything: queries here are not split by their clients, so `shards` is a parameter we ignore.
Result<HttpResponse> shards(const Services& services, ReadCall& call) {
  TRY_ASSIGN(const query::RangeRequest request, parse_range_request(call));
  const auto target = parse_byte_size(call.params.get("targetBytesPerShard"));
  if (!target.ok() || *target == 0) return Error::invalid("targetBytesPerShard must be a positive value");
  TRY_ASSIGN(const std::string selector, query::selector_of(request.query));
  query::QueryStats cost;
  const auto answer = services.queries->index_stats(call.context, selector, request.start_ns, request.end_ns, &cost);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  return json_response(encode_one_shard(std::get<query::IndexStats>(answer), cost));
}

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    if (end != 0) items.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

/// The limit of a volume read, where 0 stands for the default.
Result<uint32_t> parse_volume_limit(const Params& params) {
  return params.get("limit") == "0" ? kDefaultVolumeLimit : parse_limit(params, "limit", kDefaultVolumeLimit);
}

/// `series` or `labels`, true for these.
Result<bool> parse_aggregate_by_labels(const Params& params) {
  const auto aggregate = params.get("aggregateBy");
  if (!aggregate.empty() && aggregate != "series" && aggregate != "labels") {
    return Error::invalid("invalid aggregation option");
  }
  return aggregate == "labels";
}

/// Parameters are checked in the order of Loki, those that mean nothing here too.
Result<query::VolumeRequest> parse_volume(const ReadCall& call, bool ranged) {
  query::VolumeRequest request;
  request.query = call.params.get("query");
  TRY_ASSIGN(request.limit, parse_volume_limit(call.params));
  if (!ranged) {
    TRY(parse_instant(call.params, call.now_ns));
    TRY(parse_forward(call.params));
    TRY_ASSIGN(request.aggregate_by_labels, parse_aggregate_by_labels(call.params));
  }
  TRY_ASSIGN(const TimeBounds bounds, parse_ordered_bounds(call.params, call.now_ns));
  request.start_ns = bounds.start_ns;
  request.end_ns = bounds.end_ns;
  if (ranged) {
    TRY(parse_forward(call.params));
    TRY_ASSIGN(request.step_ns, parse_step(call.params, bounds));
    TRY(parse_interval(call.params));
    TRY_ASSIGN(request.aggregate_by_labels, parse_aggregate_by_labels(call.params));
  }
  request.target_labels = comma_list(call.params.get("targetLabels"));
  return request;
}

Result<HttpResponse> volume(const Services& services, ReadCall& call, bool ranged) {
  TRY_ASSIGN(const query::VolumeRequest request, parse_volume(call, ranged));
  auto answer = services.queries->volume(call.context, request);
  if (const auto* error = std::get_if<query::QueryError>(&answer)) return query_error(*error);
  return encode_query(std::move(std::get<query::QueryResult>(answer)), {});
}

}  // namespace

void add_index_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, std::function<Result<HttpResponse>(ReadCall&)> handler) {
    router.add("GET POST", path, read_options(services), read_handler(services, std::move(handler)));
  };
  add("/loki/api/v1/index/stats", [&services](ReadCall& call) { return stats(services, call); });
  add("/loki/api/v1/index/shards", [&services](ReadCall& call) { return shards(services, call); });
  add("/loki/api/v1/index/volume", [&services](ReadCall& call) { return volume(services, call, false); });
  add("/loki/api/v1/index/volume_range", [&services](ReadCall& call) { return volume(services, call, true); });
}

}  // namespace cordwood::api
