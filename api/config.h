// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/http_server.h"
#include "api/tenant.h"
#include "index/segment_terms_builder.h"
#include "index/stream_index.h"
#include "ingest/push.h"
#include "lifecycle/abandoned_uploads.h"
#include "lifecycle/merger.h"
#include "query/query_engine.h"
#include "query/read_gate.h"
#include "query/tail.h"
#include "storage/engine.h"
#include "storage/s3_options.h"

namespace cordwood::api {

/// One of `limits_config.retention_stream`.
struct StreamRetention {
  std::string selector;
  int64_t priority = 0;
  int64_t period_ns = 0;
};

struct DeleteSettings {
  bool retention_enabled = false;  ///< retention is applied and the delete API is there
  std::string mode = "filter-and-delete";
  int64_t cancel_period_ns = 86'400 * kNsPerSecond;
  int64_t max_interval_ns = 86'400 * kNsPerSecond;
  uint64_t max_requests = 10'000;  ///< of a tenant, not carried out yet; 0: any number
  int64_t retention_period_ns = 0;
  std::vector<StreamRetention> retention_stream;
};
/// What the settings say of how long rows are kept; nothing unless retention is enabled.
RetentionRules retention_rules(const DeleteSettings& settings);

/// Every setting of a server, with its default.  Where Loki has the key, name and meaning are Loki's.
struct Config {
  TenantRules tenants;
  std::string data_dir = "data";
  std::string storage = "directory";  ///< or s3
  S3Options s3;
  std::string log_level = "info";
  std::string path_prefix;
  HttpServerOptions http;
  int64_t shutdown_grace_ns = 30 * kNsPerSecond;
  int64_t drain_timeout_ns = 45 * kNsPerSecond;  ///< for publishing everything at the end
  std::string ack = "disk";                      ///< or bucket
  int64_t ack_interval_ns = 100'000'000;         ///< pushes of so long share a put
  std::string lease = "auto";                    ///< always, never
  lifecycle::AbandonedUploadsOptions uploads;
  uint64_t cache_bytes = 10ull << 30;          ///< with a bucket: ranges kept on the local disk; 0: none
  uint64_t local_pending_bytes = 10ull << 30;  ///< with a bucket: of the local disk, before pushes get 503
  uint64_t max_read_body_bytes = 10u << 20;
  uint64_t background_threads = 1;
  MemoryAccountant::Limits memory;
  EngineOptions engine;
  lifecycle::MergeOptions merge;
  bool merge_terms = true;    ///< merged segments get a Xapian part
  bool merge_day_ids = true;  ///< in a bucket, days that are over get a common id table
  uint64_t terms_open_bytes = 8u << 20;
  index::SegmentTermsOptions terms;
  index::StreamIndexOptions index;
  ingest::IngestOptions ingest;
  ingest::IngestLimits ingest_limits = ingest::default_ingest_limits();
  query::QueryLimits query_limits;
  query::ReadGateOptions read_gate;
  uint32_t ahead_threads = 16;
  uint64_t kept_results_bytes = 48u << 20;
  uint64_t open_blocks_bytes = 32u << 20;
  query::TailOptions tail;
  DeleteSettings deletes;
};

}  // namespace cordwood::api
