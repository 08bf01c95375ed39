// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/base/metrics.h"
#include "storage/base/random.h"

namespace cordwood {

/// Where the bucket is.
struct S3Location {
  std::string url = {};       ///< `s3://[key:secret@](region|endpoint)/bucket`: gives what the other fields leave empty
  std::string bucket = {};    ///< its name
  std::string prefix = {};    ///< put before every key; `/` is added when it does not end with it
  std::string region = {};    ///< empty: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1
  std::string endpoint = {};  ///< `host[:port]`, `http://…` or `https://…`; empty: AWS, of the region
  bool path_style = false;    ///< `endpoint/bucket/key`, not `bucket.endpoint/key`
  bool insecure = false;      ///< http when the endpoint does not say which
};

struct S3Options {
  S3Location location;

  std::string access_key_id;  ///< empty: environment, web identity, file, container, instance, in this order
  std::string secret_access_key;
  std::string session_token;
  std::string profile;  ///< of the shared file; empty: AWS_PROFILE, else `default`

  std::string storage_class;    ///< of new objects; empty or STANDARD: the bucket's default
  std::string sse_type;         ///< empty, SSE-S3 or SSE-KMS
  std::string sse_kms_key_id;   ///< empty: AWS's own key
  std::string sse_kms_context;  ///< JSON object of strings, or empty

  std::string ca_file;  ///< PEM; empty: the system's
  bool insecure_skip_verify = false;
  int64_t connect_timeout_ns = 5'000'000'000;
  int64_t answer_timeout_ns = 30'000'000'000;      ///< of one request, beyond the time its bytes take
  uint64_t min_bytes_per_second = 256u << 10;      ///< what "the time its bytes take" reckons with
  int64_t operation_timeout_ns = 120'000'000'000;  ///< of one operation, all its requests and waits together
  int64_t idle_connection_ns = 90'000'000'000;     ///< an unused connection is not used again after this
  int64_t backoff_min_ns = 100'000'000;
  int64_t backoff_max_ns = 3'000'000'000;
  uint32_t max_retries = 5;
  uint32_t breaker_failures = 10;  ///< in a row, then nothing is asked for `breaker_rest_ns`
  int64_t breaker_rest_ns = 5'000'000'000;

  uint64_t part_bytes = 8u << 20;  ///< of a multipart upload; what an upload holds in memory
  bool sign_payload = true;        ///< false: UNSIGNED-PAYLOAD, which servers take over https only
  bool single_writer = false;      ///< take no lease: no other server writes there
  int64_t lease_duration_ns = 30'000'000'000;
  /// Take the lease of this node on a bucket that honours it, too: one server alone writes as this node.
  bool node_lease = false;
};

/// What it needs of the world; all outlive the store.
struct S3Environment {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  Metrics* metrics = nullptr;
  Logger* log = nullptr;
  std::function<std::optional<std::string>(const std::string&)> variable;  ///< of the process' environment
  std::function<void(int64_t)> wait_ns;                                    ///< sleeps; tests move their clock
  /// Asked by many threads; true: whatever is under way ends unavailable, nothing more is asked for.  Null: never.
  std::function<bool()> given_up = {};
};

}  // namespace cordwood
