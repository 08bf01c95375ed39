// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "api/config_keys.h"

namespace cordwood::api {
namespace {

/// Sections of Loki's configuration that speak of what one binary does not have, or settles by itself.  A key of
/// ours below one of them comes first.
constexpr std::string_view kSections[] = {"analytics",
                                          "bloom_build",
                                          "bloom_gateway",
                                          "bos_storage",
                                          "chunk_store_config",
                                          "common",
                                          "compactor",
                                          "compactor_grpc_client",
                                          "consul",
                                          "cos_storage_config",
                                          "dataobj",
                                          "distributor",
                                          "etcd",
                                          "frontend",
                                          "frontend_worker",
                                          "grpc_client",
                                          "index_gateway",
                                          "ingest_limits",
                                          "ingest_limits_frontend",
                                          "ingest_limits_frontend_client",
                                          "ingester",
                                          "ingester_client",
                                          "ingester_rf1",
                                          "kafka_config",
                                          "limits_frontend",
                                          "memberlist",
                                          "metastore",
                                          "metastore_client",
                                          "migrate",
                                          "named_stores",
                                          "operational_config",
                                          "overrides",
                                          "partition_ring",
                                          "pattern_ingester",
                                          "profiling",
                                          "querier",
                                          "querier_rf1",
                                          "query_engine",
                                          "query_range",
                                          "query_scheduler",
                                          "ruler",
                                          "ruler_storage",
                                          "runtime_config",
                                          "schema_config",
                                          "storage_config",
                                          "swift_storage",
                                          "table_manager",
                                          "tracing",
                                          "ui",
                                          "wal"};

/// Single keys at the top of the file.
constexpr std::string_view kTopKeys[] = {"target",          "ballast_bytes",     "http_prefix",
                                         "shutdown_delay",  "metrics_namespace", "limits_config.overrides",
                                         "configs",         "config_expand_env", "use_buffered_logger",
                                         "use_sync_logger", "legacy_read_mode"};

constexpr std::string_view kServerKeys[] = {"grpc_",
                                            "http_listen_network",
                                            "http_server_read_header_timeout",
                                            "http_tls_config",
                                            "http_log_closed_connections_without_response_enabled",
                                            "log_format",
                                            "log_request_",
                                            "log_source_ips_",
                                            "log_failed_requests",
                                            "min_version",
                                            "proxy_protocol_enabled",
                                            "register_instrumentation",
                                            "report_grpc_codes_in_instrumentation_label_enabled",
                                            "tls_",
                                            "trace_request_headers",
                                            "cluster_validation",
                                            "enable_channelz",
                                            "throughput"};

constexpr std::string_view kLimitKeys[] = {"allow_deletes",
                                           "blocked_queries",
                                           "block_ingestion_policy_until",
                                           "block_ingestion_until",
                                           "block_scope_ingestion_until",
                                           "bloom_",
                                           "cardinality_limit",
                                           "debug_engine_",
                                           "default_policy_stream_mapping",
                                           "discover_generic_fields",
                                           "enable_multi_variant_queries",
                                           "enforced_labels_policy",
                                           "index_gateway_",
                                           "ingest_limits_",
                                           "ingestion_partitions_tenant_shard_size",
                                           "ingestion_rate_strategy",
                                           "instant_metric_query_split_align",
                                           "log_push_request",
                                           "max_cache_freshness_per_query",
                                           "max_chunks_per_query",
                                           "max_metadata_cache_freshness",
                                           "max_querier_bytes_read",
                                           "max_queriers_per_tenant",
                                           "max_query_capacity",
                                           "max_query_parallelism",
                                           "max_stats_cache_freshness",
                                           "max_streams_per_user",
                                           "metric_aggregation_",
                                           "min_sharding_lookback",
                                           "otlp_config",
                                           "pattern_",
                                           "per_tenant_override_",
                                           "policy_",
                                           "query_ready_index_num_days",
                                           "recent_metadata_query_window",
                                           "ruler_",
                                           "s3_sse_",
                                           "shard_aggregations",
                                           "shard_streams",
                                           "simulated_push_latency",
                                           "split_ingester_queries_by_interval",
                                           "split_instant_metric_queries_by_interval",
                                           "split_metadata_queries_by_interval",
                                           "split_recent_metadata_queries_by_interval",
                                           "tenant_limits_allow_publish",
                                           "tsdb_",
                                           "unordered_writes",
                                           "use_owned_stream_count"};

/// Below storage_config.aws.
constexpr std::string_view kBucketKeys[] = {"chunk_delimiter", "disable_dualstack", "dynamodb", "signature_version",
                                            "sse_encryption"};

/// `name` is `key`, lies below it, or `key` ends with '_' and `name` starts with it.
bool covers(std::string_view key, std::string_view name) {
  if (!name.starts_with(key)) return false;
  return name.size() == key.size() || key.ends_with('_') || name[key.size()] == '.';
}

template <size_t n>
bool any_covers(const std::string_view (&keys)[n], std::string_view name) {
  for (const auto key : keys) {
    if (covers(key, name)) return true;
  }
  return false;
}

}  // namespace

bool is_ignored_loki_key(std::string_view name) {
  const auto below = [&](std::string_view section) { return name.starts_with(section); };
  if (below("server.")) return any_covers(kServerKeys, name.substr(7));
  if (below("limits_config.")) return any_covers(kLimitKeys, name.substr(14));
  // A misspelt key of the bucket must not pass for one that means nothing.
  for (const std::string_view bucket : {kBucketSection, kBucketAlias}) {
    if (below(bucket)) return any_covers(kBucketKeys, name.substr(bucket.size()));
  }
  return any_covers(kSections, name) || any_covers(kTopKeys, name);
}

}  // namespace cordwood::api
