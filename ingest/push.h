// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/engine.h"
#include "storage/wal_format.h"

namespace cordwood::ingest {

/// Rules of one tenant for what comes in; names, defaults (but for those README lists) and texts are Loki's.
struct IngestLimits {
  uint64_t max_label_names_per_series = 15;
  uint64_t max_label_name_length_bytes = 1024;
  uint64_t max_label_value_length_bytes = 2048;
  bool reject_old_samples = false;
  int64_t reject_old_samples_max_age_ns = 7 * 86'400 * kNsPerSecond;
  int64_t creation_grace_period_ns = 600 * kNsPerSecond;
  uint64_t max_line_size_bytes = 256u << 10;  ///< 0 = off
  bool max_line_size_truncate = false;
  std::string max_line_size_truncate_identifier;
  bool increment_duplicate_timestamp = false;
  bool allow_structured_metadata = true;
  uint64_t max_structured_metadata_size_bytes = 64u << 10;
  uint64_t max_structured_metadata_entries_count = 128;
  bool discover_log_levels = true;
  int32_t log_level_from_json_max_depth = 2;
  std::vector<std::string> log_level_fields;       ///< default list: default_ingest_limits()
  std::vector<std::string> discover_service_name;  ///< likewise; empty = off
  double ingestion_rate_mb = 0;                    ///< 0 = off
  double ingestion_burst_size_mb = 6;
  uint64_t per_stream_rate_limit_bytes = 0;  ///< 0 = off
  uint64_t per_stream_rate_limit_burst_bytes = 15u << 20;
  uint64_t max_global_streams_per_user = 0;  ///< 0 = off
  int64_t max_chunk_age_ns = 0;              ///< an entry older than its stream's newest by more than half is refused
  int64_t block_ingestion_until_ns = 0;      ///< 0 = not blocked
  int block_ingestion_status_code = 260;
  std::vector<std::string> enforced_labels;
  std::vector<std::string> otlp_index_labels;  ///< resource attributes promoted; default list likewise
};
IngestLimits default_ingest_limits();

struct IngestOptions {
  uint64_t max_recv_msg_size_bytes = 100u << 20;
  uint64_t max_decompressed_size_bytes = 256u << 20;
};

enum class PushProtocol : uint8_t {
  loki,
  loki_legacy,
  otlp,      ///< as Loki answers it
  otlp_spec  ///< as the OpenTelemetry protocol says: the same rows, other answers
};

struct PushRequest {
  TenantId tenant;
  PushProtocol protocol = PushProtocol::loki;
  std::string_view content_type;  ///< as sent; empty when the header is missing
  std::string_view content_encoding;
  std::string_view body;
};

/// An answer as it goes over the wire.  204 with no body when all was stored; for otlp_spec 200 with the message.
struct PushResponse {
  int status = 204;
  std::string body;          ///< text, or for OTLP an encoded google.rpc.Status
  std::string content_type;  ///< empty with an empty body
  int retry_after_s = 0;     ///< > 0: send Retry-After
};

/// Takes pushes: unpack, decode, apply the tenant's rules, store.  Thread-safe.
class Pusher {
 public:
  struct Environment {
    Engine* engine = nullptr;
    MemoryAccountant* memory = nullptr;
    Clock* clock = nullptr;
    Metrics* metrics = nullptr;
    std::function<IngestLimits(const TenantId&)> limits;
  };
  Pusher(IngestOptions options, Environment environment);
  ~Pusher();
  PushResponse push(const PushRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// For replay: reads bodies again by the policy that was in force.
std::unique_ptr<WalBodyDecoder> make_wal_body_decoder();

}  // namespace cordwood::ingest
