// SPDX-License-Identifier: Apache-2.0
#include "api/config_keys.h"

#include <charconv>

#include "api/config_deletes.h"
#include "api/config_values.h"
#include "api/durations.h"
#include "api/json_text.h"

namespace cordwood::api {
namespace {

using Form = ConfigKey::Form;

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

std::string join_list(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

/// Builds the table; `field` finds the setting in a Config.
class Table {
 public:
  template <typename Field>
  void flag(std::string name, Field field, std::string help) {
    add(
        std::move(name), std::move(help), Form::scalar,
        [field](Config& c, std::string_view text) { return set_bool(field(c), text); },
        [field](Config& c) -> std::string { return field(c) ? "true" : "false"; });
  }
  template <typename Field>
  void number(std::string name, Field field, std::string help) {
    add(
        std::move(name), std::move(help), Form::scalar,
        [field](Config& c, std::string_view text) { return set_integer(field(c), text); },
        [field](Config& c) { return std::to_string(field(c)); });
  }
  template <typename Field>
  void real(std::string name, Field field, std::string help) {
    const auto set = [field](Config& c, std::string_view text) -> Result<void> {
      double value = 0;
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (ec != std::errc() || end != text.data() + text.size()) return Error::invalid("want a number");
      field(c) = value;
      return {};
    };
    const auto print = [field](Config& c) {
      std::string out;
      append_go_float(field(c), &out);
      return out;
    };
    add(std::move(name), std::move(help), Form::scalar, set, print);
  }
  template <typename Field>
  void duration(std::string name, Field field, std::string help) {
    const auto set = [field](Config& c, std::string_view text) -> Result<void> {
      TRY_ASSIGN(field(c), parse_duration(text));
      return {};
    };
    add(std::move(name), std::move(help), Form::scalar, set, [field](Config& c) { return print_duration(field(c)); });
  }
  template <typename Field>
  void size(std::string name, Field field, std::string help) {
    const auto set = [field](Config& c, std::string_view text) -> Result<void> {
      TRY_ASSIGN(const uint64_t bytes, parse_byte_size(text));
      field(c) = static_cast<std::remove_reference_t<decltype(field(c))>>(bytes);
      return {};
    };
    add(std::move(name), std::move(help), Form::scalar, set, [field](Config& c) { return print_byte_size(field(c)); });
  }
  template <typename Field>
  void text(std::string name, Field field, std::string help) {
    const auto set = [field](Config& c, std::string_view value) -> Result<void> {
      field(c) = std::string(value);
      return {};
    };
    add(std::move(name), std::move(help), Form::text, set, [field](Config& c) { return field(c); });
  }
  /// Not printed once it is set.
  template <typename Field>
  void secret(std::string name, Field field, std::string help) {
    const auto set = [field](Config& c, std::string_view value) -> Result<void> {
      field(c) = std::string(value);
      return {};
    };
    const auto print = [field](Config& c) -> std::string { return field(c).empty() ? "" : "********"; };
    add(std::move(name), std::move(help), Form::text, set, print);
  }
  template <typename Field>
  void list(std::string name, Field field, std::string help) {
    const auto set = [field](Config& c, std::string_view value) -> Result<void> {
      field(c) = split_list(value);
      return {};
    };
    add(std::move(name), std::move(help), Form::list, set, [field](Config& c) { return join_list(field(c)); });
  }
  void add(ConfigKey key) { keys_.push_back(std::move(key)); }
  std::vector<ConfigKey> take() { return std::move(keys_); }

 private:
  void add(std::string name, std::string help, Form form, std::function<Result<void>(Config&, std::string_view)> set,
           std::function<std::string(Config&)> print) {
    // Printing only looks; the fields are found by functions that could also write.
    auto look = [print = std::move(print)](const Config& c) { return print(const_cast<Config&>(c)); };
    keys_.push_back({std::move(name), std::move(help), form, std::move(set), std::move(look)});
  }
  std::vector<ConfigKey> keys_;
};

#define FIELD(path)         \
  [](Config & c) -> auto& { \
    return c.path;          \
  }

void add_server_keys(Table& t) {
  t.flag("auth_enabled", FIELD(tenants.auth_enabled), "The tenant comes from X-Scope-OrgID, which is then required.");
  t.text("no_auth_tenant", FIELD(tenants.no_auth_tenant), "The one tenant while auth_enabled is false.");
  t.text("data_dir", FIELD(data_dir), "Where everything is kept; also --data-dir.");
  t.text("storage", FIELD(storage),
         "Where segments and manifests are kept: `directory` (below data_dir) or `s3` (the bucket of "
         "storage_config.aws).");
  t.text("server.http_listen_address", FIELD(http.address), "Address to listen on; also --http-listen.");
  t.number("server.http_listen_port", FIELD(http.port), "Port to listen on; also --http-listen.");
  t.number("server.http_listen_conn_limit", FIELD(http.max_connections), "Connections served at a time.");
  t.text("server.http_path_prefix", FIELD(path_prefix), "Put before every path.");
  t.duration("server.http_server_read_timeout", FIELD(http.body_timeout_ns), "For a whole request body.");
  t.duration("server.http_server_write_timeout", FIELD(http.write_timeout_ns), "For each MB of an answer.");
  t.duration("server.http_server_idle_timeout", FIELD(http.idle_timeout_ns), "Between requests of a connection.");
  t.duration("server.graceful_shutdown_timeout", FIELD(shutdown_grace_ns),
             "How long requests may go on after SIGTERM.");
  t.text("server.log_level", FIELD(log_level), "debug, info, warn or error.");
  t.size("frontend.max_body_size", FIELD(max_read_body_bytes), "Largest body of a query.");
  t.size("distributor.max_recv_msg_size", FIELD(ingest.max_recv_msg_size_bytes), "Largest body of a push, packed.");
  t.size("distributor.max_decompressed_size", FIELD(ingest.max_decompressed_size_bytes),
         "Largest body of a push, unpacked.");
  t.list("distributor.otlp_config.default_resource_attributes_as_index_labels", FIELD(ingest_limits.otlp_index_labels),
         "OTLP resource attributes that become stream labels.");
}

void add_ingest_keys(Table& t) {
  t.real("limits_config.ingestion_rate_mb", FIELD(ingest_limits.ingestion_rate_mb),
         "MB a second of a tenant; 0 = off.");
  t.real("limits_config.ingestion_burst_size_mb", FIELD(ingest_limits.ingestion_burst_size_mb),
         "MB a tenant may send at once.");
  t.size("limits_config.per_stream_rate_limit", FIELD(ingest_limits.per_stream_rate_limit_bytes),
         "Bytes a second of a stream; 0 = off.");
  t.size("limits_config.per_stream_rate_limit_burst", FIELD(ingest_limits.per_stream_rate_limit_burst_bytes),
         "Bytes a stream may send at once.");
  t.number("limits_config.max_global_streams_per_user", FIELD(ingest_limits.max_global_streams_per_user),
           "Active streams of a tenant; 0 = off.");
  t.duration("ingester.max_chunk_age", FIELD(ingest_limits.max_chunk_age_ns),
             "Refuse entries older than their stream's newest by more than half of it, as Loki does; 0 = off.");
  t.number("limits_config.max_label_names_per_series", FIELD(ingest_limits.max_label_names_per_series),
           "Labels of a stream.");
  t.number("limits_config.max_label_name_length", FIELD(ingest_limits.max_label_name_length_bytes),
           "Bytes of a label's name.");
  t.number("limits_config.max_label_value_length", FIELD(ingest_limits.max_label_value_length_bytes),
           "Bytes of a label's value.");
  t.size("limits_config.max_line_size", FIELD(ingest_limits.max_line_size_bytes), "Bytes of a line; 0 = off.");
  t.flag("limits_config.max_line_size_truncate", FIELD(ingest_limits.max_line_size_truncate),
         "Longer lines are cut, not refused.");
  t.text("limits_config.max_line_size_truncate_identifier", FIELD(ingest_limits.max_line_size_truncate_identifier),
         "Put at the end of a line that was cut.");
  t.flag("limits_config.reject_old_samples", FIELD(ingest_limits.reject_old_samples), "Refuse old entries.");
  t.duration("limits_config.reject_old_samples_max_age", FIELD(ingest_limits.reject_old_samples_max_age_ns),
             "What counts as old.");
  t.duration("limits_config.creation_grace_period", FIELD(ingest_limits.creation_grace_period_ns),
             "How far ahead of the clock an entry may be.");
  t.flag("limits_config.increment_duplicate_timestamp", FIELD(ingest_limits.increment_duplicate_timestamp),
         "Move an entry of the same time and another line by 1 ns.");
  t.flag("limits_config.allow_structured_metadata", FIELD(ingest_limits.allow_structured_metadata),
         "Take structured metadata.");
  t.size("limits_config.max_structured_metadata_size", FIELD(ingest_limits.max_structured_metadata_size_bytes),
         "Bytes of an entry's metadata.");
  t.number("limits_config.max_structured_metadata_entries_count",
           FIELD(ingest_limits.max_structured_metadata_entries_count), "Pairs of an entry's metadata.");
  t.flag("limits_config.discover_log_levels", FIELD(ingest_limits.discover_log_levels), "Add detected_level.");
  t.list("limits_config.log_level_fields", FIELD(ingest_limits.log_level_fields), "Where a level is looked for.");
  t.number("limits_config.log_level_from_json_max_depth", FIELD(ingest_limits.log_level_from_json_max_depth),
           "How deep in JSON lines; 0 = any depth.");
  t.list("limits_config.discover_service_name", FIELD(ingest_limits.discover_service_name),
         "Labels that service_name is taken from; empty = off.");
  t.list("limits_config.enforced_labels", FIELD(ingest_limits.enforced_labels), "Labels every stream must have.");
  t.number("limits_config.block_ingestion_status_code", FIELD(ingest_limits.block_ingestion_status_code),
           "Status of a push that is blocked.");
}

void add_query_keys(Table& t) {
  t.duration("limits_config.max_query_length", FIELD(query_limits.max_query_length_ns), "Longest range; 0 = off.");
  t.duration("limits_config.max_query_lookback", FIELD(query_limits.max_query_lookback_ns),
             "How far back a query may look; 0 = off.");
  t.duration("limits_config.max_query_range", FIELD(query_limits.max_query_range_ns), "Longest [interval]; 0 = off.");
  t.number("limits_config.max_query_series", FIELD(query_limits.max_query_series), "Series of an answer.");
  t.number("limits_config.max_entries_limit_per_query", FIELD(query_limits.max_entries_limit_per_query),
           "Lines of an answer.");
  t.number("limits_config.max_streams_matchers_per_query", FIELD(query_limits.max_streams_matchers_per_query),
           "Matchers of a query.");
  t.size("limits_config.max_query_bytes_read", FIELD(query_limits.max_query_bytes_read),
         "Bytes of lines a query may have to look at; 0 = off.");
  t.number("limits_config.max_concurrent_tail_requests", FIELD(query_limits.max_concurrent_tail_requests),
           "Tails of a tenant at a time.");
  t.duration("limits_config.query_timeout", FIELD(query_limits.query_timeout_ns), "Longest time for a query.");
  t.duration("limits_config.split_queries_by_interval", FIELD(query_limits.split_queries_by_interval_ns),
             "Above 0, ranges of metric queries are aligned to the step, as Loki does.");
  t.list("limits_config.required_labels", FIELD(query_limits.required_labels), "Labels every selector must name.");
  t.number("limits_config.minimum_labels_number", FIELD(query_limits.minimum_labels_number),
           "Fewest matchers of a selector.");
  t.number("limits_config.volume_max_series", FIELD(query_limits.volume_max_series), "Series of a volume answer.");
  t.flag("limits_config.volume_enabled", FIELD(query_limits.volume_enabled), "Answer index/volume.");
  t.duration("querier.tail_max_duration", FIELD(tail.max_duration_ns), "How long a tail goes on.");
}

void add_own_keys(Table& t) {
  t.number("traces.max_lines", FIELD(query_limits.trace_max_lines), "Lines of a trace's answer.");
  t.list("traces.id_fields", FIELD(query_limits.trace_id_names),
         "Fields that hold ids of traces; case, dots, dashes and underscores do not count.");
  t.size("tail.buffer_size", FIELD(tail.buffer_bytes), "Lines that wait for the client of a tail; more are dropped.");
  t.number("threads.io", FIELD(http.io_threads), "Threads that move bytes of connections.");
  t.number("threads.push", FIELD(http.push_threads), "Pushes handled at a time; most of them wait for the disk.");
  t.number(
      "threads.query", FIELD(read_gate.running),
      "Queries run at a time, 0: two for each processor, at most 8; one that has run for 50 ms gives way to others, "
      "and those that took little lately go first. While some wait for the bucket others are let in, up to as many "
      "again.");
  t.number(
      "threads.ahead", FIELD(ahead_threads),
      "Most threads that open blocks ahead of a query while processors are idle, and never as many as those; 0: none.");
  t.number("threads.reads", FIELD(http.query_threads),
           "Queries under way at a time, those included that wait for their turn or for the answer of another.");
  t.number("threads.background", FIELD(background_threads), "Threads that seal and publish.");
  static constexpr std::pair<const char*, const char*> kShares[kMemoryShares] = {
      {"memory.requests", "Bodies of requests, packed and unpacked."},
      {"memory.head", "Rows not sealed yet."},
      {"memory.sealing", "Blocks being sealed."},
      {"memory.catalog", "Segment tails and the stream index."},
      {"memory.cache", "Caches: what queries keep for the next ones, fields of rows not sealed yet among it."},
      {"memory.query", "Running queries."}};
  for (size_t i = 0; i < kMemoryShares; ++i) {
    t.size(
        kShares[i].first, [i](Config& c) -> uint64_t& { return c.memory.bytes[i]; }, kShares[i].second);
  }
  t.size("memory.one_query", FIELD(query_limits.max_query_memory_bytes),
         "Most of memory.query that one query takes; never more than three quarters.");
  t.size("memory.kept_results", FIELD(kept_results_bytes),
         "Most of memory.cache that results of queries take, kept for the next refresh; 0: none are kept.");
  t.size("memory.open_blocks", FIELD(open_blocks_bytes),
         "Most of memory.cache that blocks take which queries have read, kept open for the next; 0: none are kept.");
  t.text("store.node", FIELD(engine.node), "This server's name in manifests and objects.");
  t.size("store.block_size", FIELD(engine.block_raw_bytes), "Raw bytes at which rows of a family are sealed.");
  t.number("store.block_rows", FIELD(engine.block_rows), "Rows at which they are.");
  t.size("store.generation_size", FIELD(engine.generation_raw_bytes), "Raw bytes at which a generation is published.");
  t.duration("store.generation_age", FIELD(engine.generation_age_ns), "Age at which it is.");
  t.number("store.max_pending_generations", FIELD(engine.max_pending_generations),
           "Generations that wait to be published before pushes get 503; with `storage: directory`.");
  t.size(
      "store.local_pending_bytes", FIELD(local_pending_bytes),
      "Of the local disk that write-ahead log and sealed blocks take while the bucket is away, before pushes get 503.");
  t.text("store.ack", FIELD(ack),
         "What must have a push before it is acknowledged: `disk`, or with `storage: s3` also `bucket`.");
  t.duration("store.ack_timeout", FIELD(engine.ack_timeout_ns), "How long the bucket may take for that.");
  t.duration("store.ack_interval", FIELD(ack_interval_ns),
             "With `ack: bucket`, pushes of so long share a put; a push that comes alone does not wait.");
  t.size("store.cache_size", FIELD(cache_bytes),
         "Of the local disk, for ranges read from the bucket and new segments; 0 = off.");
  t.number("store.generation_objects", FIELD(engine.generation_segments), "Segments of a generation at most.");
  t.duration("store.drain_timeout", FIELD(drain_timeout_ns),
             "After SIGTERM, for publishing what is left; what is not published stays in the write-ahead log.");
  t.size("store.wal_file_size", FIELD(engine.wal.file_bytes), "Size of a WAL file.");
  t.number("store.wal_group_wait_us", FIELD(engine.wal.group_wait_us),
           "Microseconds a write waits for others to share its fsync.");
  t.number("store.parallel_reads", FIELD(engine.parallel_reads),
           "Objects read at the same time when the store is opened.");
  t.number("store.zstd_level", FIELD(engine.block.zstd_level), "zstd level of sealed heaps.");
}

/// Loki's keys; `common.storage.s3.…` names them, too.
void add_bucket_keys(Table& t) {
  t.text("storage_config.object_prefix", FIELD(s3.location.prefix), "Put before every key in the bucket.");
  t.secret("storage_config.aws.s3", FIELD(s3.location.url),
           "`s3://key:secret@region-or-endpoint/bucket`; the keys below win over it.");
  t.text("storage_config.aws.bucketnames", FIELD(s3.location.bucket), "The bucket; one.");
  t.text("storage_config.aws.endpoint", FIELD(s3.location.endpoint),
         "`host[:port]` or a URL; empty: AWS, of the region.");
  t.text("storage_config.aws.region", FIELD(s3.location.region),
         "Empty: `AWS_REGION`, `AWS_DEFAULT_REGION`, else us-east-1.");
  t.text("storage_config.aws.access_key_id", FIELD(s3.access_key_id),
         "Empty: environment, web identity, shared file, container, instance, in this order.");
  t.secret("storage_config.aws.secret_access_key", FIELD(s3.secret_access_key), "Belongs to access_key_id.");
  t.secret("storage_config.aws.session_token", FIELD(s3.session_token), "Of temporary credentials.");
  t.flag("storage_config.aws.s3forcepathstyle", FIELD(s3.location.path_style),
         "`endpoint/bucket/key` instead of `bucket.endpoint/key`, as MinIO and Ceph want it.");
  t.flag("storage_config.aws.insecure", FIELD(s3.location.insecure), "http when the endpoint does not say which.");
  t.text("storage_config.aws.storage_class", FIELD(s3.storage_class), "Of new objects; empty: the bucket's default.");
  t.text("storage_config.aws.sse.type", FIELD(s3.sse_type), "`SSE-S3` or `SSE-KMS`; empty: the bucket's default.");
  t.text("storage_config.aws.sse.kms_key_id", FIELD(s3.sse_kms_key_id), "Of SSE-KMS; empty: AWS's own key.");
  t.text("storage_config.aws.sse.kms_encryption_context", FIELD(s3.sse_kms_context), "Of SSE-KMS, JSON.");
  t.text("storage_config.aws.http_config.ca_file", FIELD(s3.ca_file), "PEM file to check the endpoint by.");
  t.flag("storage_config.aws.http_config.insecure_skip_verify", FIELD(s3.insecure_skip_verify),
         "Do not check the endpoint's certificate.");
  t.duration("storage_config.aws.http_config.idle_conn_timeout", FIELD(s3.idle_connection_ns),
             "An unused connection is used again up to this age.");
  t.duration("storage_config.aws.http_config.response_header_timeout", FIELD(s3.answer_timeout_ns),
             "For an answer, beyond the time that its bytes take at 256 KB a second.");
  t.duration("storage_config.aws.backoff_config.min_period", FIELD(s3.backoff_min_ns), "First wait before a retry.");
  t.duration("storage_config.aws.backoff_config.max_period", FIELD(s3.backoff_max_ns), "Longest.");
  t.number("storage_config.aws.backoff_config.max_retries", FIELD(s3.max_retries), "Retries of a request.");
  t.text("store.s3_profile", FIELD(s3.profile), "Profile of the shared credentials file; empty: `AWS_PROFILE`.");
  t.size("store.s3_part_size", FIELD(s3.part_bytes), "Of multipart uploads; an upload holds as much in memory.");
  t.duration("store.s3_operation_timeout", FIELD(s3.operation_timeout_ns),
             "For an operation with all its retries and waits.");
  t.duration("store.abandoned_upload_age", FIELD(uploads.age_ns),
             "Uploads to the bucket that were begun so long ago and are not finished are given up; 0 = never.");
  t.text(
      "store.lease", FIELD(lease),
      "On the bucket: `auto` when it ignores If-None-Match or acknowledges, `always`, `never`: no other server writes "
      "there, at no time.");
  t.duration(
      "store.lease_duration", FIELD(s3.lease_duration_ns),
      "Of the bucket's lease: how long another server waits once its holder is silent; 5s to 10m. To be taken, it "
      "must be read within a fortieth of that (750 ms); the log tells when it was not.");
}

void add_merge_keys(Table& t) {
  t.flag("merge.enabled", FIELD(merge.enabled), "Merge young segments into large ones.");
  t.number("merge.fan_in", FIELD(merge.policy.fan_in), "Neighbouring segments that are merged at a time; at least 2.");
  t.size("merge.segment_size", FIELD(merge.policy.segment_bytes),
         "Size that merged segments grow to; a day that is over becomes one of up to twice that.");
  t.size("merge.own_segment_size", FIELD(merge.own_segment_bytes),
         "Raw bytes from which a tenant's day gets segments of its own.");
  t.real("merge.max_rewrites", FIELD(merge.policy.max_rewrites),
         "How often a byte is rewritten on average, at most; twice as often once its day is over.");
  t.duration("merge.quiet_after", FIELD(merge.quiet_after_ns),
             "After this long without new segments two are enough to be merged.");
  t.number("merge.hurry_segments", FIELD(merge.hurry_segments),
           "Merging pauses while requests other than pushes are answered, unless more segments than that are due.");
  t.size("merge.memory", FIELD(merge.memory_bytes), "About what a merge may take.");
  t.flag("merge.field_terms", FIELD(merge_terms),
         "Give merged segments a list of which blocks hold which field values, 100 to 300 terms a block.");
  t.flag("merge.day_id_tables", FIELD(merge_day_ids),
         "In a bucket, give days of several segments a common id table: one read locates an id.");
  t.number("merge.zstd_level", FIELD(merge.block.zstd_level), "zstd level of merged heaps.");
}
#undef FIELD

std::vector<ConfigKey> build_keys() {
  Table t;
  add_server_keys(t);
  add_ingest_keys(t);
  add_query_keys(t);
  add_own_keys(t);
  add_bucket_keys(t);
  add_merge_keys(t);
  for (ConfigKey& key : delete_keys()) t.add(std::move(key));
  return t.take();
}

std::string yaml_value(const ConfigKey& key, const Config& config) {
  const std::string value = key.print(config);
  if (key.form == Form::list) return "[" + value + "]";
  if (key.form == Form::scalar || key.form == Form::maps) return value;
  std::string quoted;
  append_json_string(value, JsonEscape::plain, &quoted);
  return quoted;
}

std::vector<std::string_view> path_of(std::string_view name) {
  std::vector<std::string_view> parts;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    parts.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  parts.push_back(name);
  return parts;
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = build_keys();
  return keys;
}

const ConfigKey* find_config_key(std::string_view alias) {
  std::string name(alias);
  if (name.starts_with(kBucketAlias)) name.replace(0, kBucketAlias.size(), kBucketSection);
  for (const ConfigKey& key : config_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string variable_of(const ConfigKey& key) {
  std::string out = "CORDWOOD_";
  for (const char c : key.name) out.push_back(c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return out;
}

std::string print_config(const Config& config) {
  std::string out;
  std::vector<std::string_view> open;
  for (const ConfigKey& key : config_keys()) {
    const auto path = path_of(key.name);
    size_t shared = 0;
    while (shared + 1 < path.size() && shared < open.size() && open[shared] == path[shared]) ++shared;
    open.assign(path.begin(), path.end() - 1);
    for (size_t depth = shared; depth < path.size(); ++depth) {
      out += std::string(2 * depth, ' ') + std::string(path[depth]) + ":";
      out += depth + 1 < path.size() ? "\n" : " " + yaml_value(key, config) + "\n";
    }
  }
  return out;
}

std::string print_config_table() {
  const Config defaults;
  std::string out = "| Key | Default | What |\n| --- | --- | --- |\n";
  for (const ConfigKey& key : config_keys()) {
    const std::string value = key.print(defaults);
    out += "| `" + key.name + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " + key.help + " |\n";
  }
  return out;
}

}  // namespace cordwood::api
