// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "index/stream_index.h"
#include "storage/base/clock.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/snapshot.h"

namespace cordwood::query {

enum class Direction : unsigned char { backward, forward };

/// Limits of one tenant that reading obeys; names, defaults and error texts are Loki's.
struct QueryLimits {
  int64_t max_query_length_ns = 721 * 3600 * kNsPerSecond;  ///< 0 = off
  int64_t max_query_lookback_ns = 0;
  int64_t max_query_range_ns = 0;
  uint64_t max_query_series = 500;
  uint64_t max_entries_limit_per_query = 5000;
  uint64_t max_streams_matchers_per_query = 1000;
  uint64_t max_query_bytes_read = 0;
  uint64_t max_concurrent_tail_requests = 10;
  int64_t query_timeout_ns = 60 * kNsPerSecond;
  int64_t split_queries_by_interval_ns = 3600 * kNsPerSecond;  ///< > 0: metric ranges are aligned to the step
  std::vector<std::string> required_labels;
  uint64_t minimum_labels_number = 0;
  uint64_t volume_max_series = 1000;
  bool volume_enabled = true;
  uint64_t trace_max_lines = 5000;              ///< lines of a trace's answer
  uint64_t max_query_memory_bytes = 96u << 20;  ///< of the query share; 0 = as much as there is
  /// Fields that hold ids of traces; compared without case, dots, dashes and underscores.
  std::vector<std::string> trace_id_names = {"trace_id",    "trace.id",        "dd.trace_id",   "otel_trace_id",
                                             "traceparent", "X-Amzn-Trace-Id", "xray_trace_id", "AWS-XRAY-TRACE-ID"};
  std::vector<std::string> shard_aggregations;  ///< `approx_topk` is refused unless it stands here

  bool operator==(const QueryLimits&) const = default;
};

/// What every read shares.
struct ReadContext {
  TenantId tenant;
  QueryLimits limits;
  const std::atomic<bool>* cancelled = nullptr;  ///< set when the client left; may be null
  bool takes_partial_series = false;             ///< of too many series some and a warning are better than an error
  int64_t arrived_monotonic_ns = 0;              ///< when the time for the query began; 0: when it starts
  /// Others that wait for the same answer: while there are any the read goes on although its client left.  May be null.
  const std::atomic<uint32_t>* followers = nullptr;
};

struct RangeRequest {
  std::string query;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  int64_t step_ns = 0;      ///< metric queries
  int64_t interval_ns = 0;  ///< log queries
  uint32_t limit = 100;
  uint32_t skip = 0;  ///< lines at the beginning of the answer that are left out
  Direction direction = Direction::backward;
  bool categorize_labels = false;
};

struct InstantRequest {
  std::string query;
  int64_t time_ns = 0;
  uint32_t limit = 100;
  Direction direction = Direction::backward;
};

using LabelPairs = std::vector<std::pair<std::string, std::string>>;  ///< sorted by name

struct LogEntry {
  int64_t time_ns = 0;
  std::string line;
  LabelPairs structured_metadata;  ///< filled only with categorize_labels
  LabelPairs parsed;               ///< likewise
};
struct LogStream {
  LabelPairs labels;
  std::vector<LogEntry> entries;  ///< in the direction asked for
};
struct Sample {
  int64_t time_ms = 0;
  double value = 0;
};
struct Series {
  LabelPairs labels;
  std::vector<Sample> samples;  ///< exactly one in a vector
};
struct Streams {
  std::vector<LogStream> streams;
};  ///< sorted by label string
struct Matrix {
  std::vector<Series> series;
};
struct Vector {
  std::vector<Series> series;
};
struct Scalar {
  Sample sample;
};

/// Figures for Loki's `stats` object and for our own counters.
struct QueryStats {
  ReadStats read;
  uint64_t lines_processed = 0;
  uint64_t bytes_processed = 0;
  uint64_t structured_metadata_bytes = 0;
  uint64_t post_filter_lines = 0;
  uint64_t entries_returned = 0;
  uint64_t head_lines = 0, head_bytes = 0;
  uint64_t planned_bytes = 0;  ///< lines of the planned blocks
  uint64_t duplicates = 0;
  uint64_t column_rows = 0;  ///< of lines_processed: rows whose part in the answer was settled by columns alone
  uint64_t streams = 0;
  uint64_t blocks_in_range = 0;   ///< after time and stream pruning
  uint64_t blocks_ruled_out = 0;  ///< of these, left unopened because their index denies what the filters ask for
  int64_t execution_ns = 0;
  int64_t cpu_ns = 0;        ///< processor time of the threads that ran it
  std::string empty_reason;  ///< why an answer is empty: no stream matches, newest line is older, …
};

struct QueryResult {
  std::variant<Streams, Matrix, Vector, Scalar> data;
  std::vector<std::string> warnings;
  QueryStats stats;
};

struct IndexStats {
  uint64_t streams = 0, chunks = 0, bytes = 0, entries = 0;
};
struct VolumeRequest {
  std::string query;
  int64_t start_ns = 0, end_ns = 0;
  int64_t step_ns = 0;  ///< 0: one sample over the whole range
  uint32_t limit = 100;
  std::vector<std::string> target_labels;
  bool aggregate_by_labels = false;
};

class KeptLines;
class KeptSteps;
class KeptSums;
class ViewPool;
class ReadGate;
class AheadThreads;

struct DetectedLabels;
struct DetectedFieldsRequest;
struct DetectedFields;  // detected_answer.h

struct PatternRequest;
struct PatternAnswer;  // pattern_answer.h

struct TraceRequest;
struct TraceContextRequest;
struct TraceAnswer;  // trace_answer.h

/// A failure as Loki's HTTP API reports it.
struct QueryError {
  int status = 500;
  std::string message;
};
template <typename T>
using Answer = std::variant<T, QueryError>;

/// Runs LogQL against a store.  Thread-safe; a call runs on its caller's thread, which others may help.
class QueryEngine {
 public:
  struct Environment {
    std::function<SnapshotPtr()> snapshot;
    const index::StreamIndex* streams = nullptr;
    MemoryAccountant* memory = nullptr;
    Clock* clock = nullptr;
    /// Bytes of a zone's TZif file (`Europe/Berlin`), empty when there is none; unset: all zones count as UTC.
    std::function<std::string(std::string_view)> zone_file;
    /// So many rows a query looks at one by one, since often no more are wanted, before it reads columns as a whole;
    /// none when it looks for an id.
    uint64_t rows_one_by_one = 96;
    /// Changes whenever a snapshot may show more than one taken before (Engine::version()); unset: it always may.
    std::function<uint64_t()> version = {};
    /// Engine::oldest_since(); unset: nothing is kept.
    std::function<int64_t(const TenantId&, uint64_t version)> oldest_since = {};
    KeptSums* kept_sums = nullptr;    ///< counts of blocks; null: none
    KeptSteps* kept = nullptr;        ///< results for the next refresh; null: none
    KeptLines* kept_lines = nullptr;  ///< the newest lines, likewise
    ViewPool* views = nullptr;        ///< blocks left open; null: none
    ReadGate* gate = nullptr;         ///< decides which reads run; null: all
    AheadThreads* ahead = nullptr;    ///< open blocks for queries while processors are idle; null: none do
    Metrics* metrics = nullptr;       ///< may be null
  };
  explicit QueryEngine(Environment environment);
  ~QueryEngine();

  Answer<QueryResult> range(const ReadContext& context, const RangeRequest& request) const;
  Answer<QueryResult> instant(const ReadContext& context, const InstantRequest& request) const;
  /// Sorted names of the labels of streams with rows in range; `query` may be empty or a selector.
  Answer<std::vector<std::string>> labels(const ReadContext& context, const std::string& query, int64_t start_ns,
                                          int64_t end_ns) const;
  Answer<std::vector<std::string>> label_values(const ReadContext& context, const std::string& name,
                                                const std::string& query, int64_t start_ns, int64_t end_ns) const;
  Answer<std::vector<Labels>> series(const ReadContext& context, const std::vector<std::string>& matches,
                                     int64_t start_ns, int64_t end_ns) const;
  Answer<IndexStats> index_stats(const ReadContext& context, const std::string& query, int64_t start_ns, int64_t end_ns,
                                 QueryStats* stats) const;
  /// A Vector when every series has at most one sample, else a Matrix.
  Answer<QueryResult> volume(const ReadContext& context, const VolumeRequest& request) const;
  /// Labels worth looking at, from the lists of streams alone; `query` may be empty or a selector.
  Answer<DetectedLabels> detected_labels(const ReadContext& context, const std::string& query, int64_t start_ns,
                                         int64_t end_ns) const;
  /// What the newest lines of a log query consist of.
  Answer<DetectedFields> detected_fields(const ReadContext& context, const DetectedFieldsRequest& request) const;
  /// What the lines of a log query look like, and how often when.
  Answer<PatternAnswer> patterns(const ReadContext& context, const PatternRequest& request) const;
  /// The lines of a trace, of all streams.  400 for what is no id, 404 when no line belongs to it.
  Answer<TraceAnswer> trace(const ReadContext& context, const TraceRequest& request) const;
  /// The lines of the trace's streams before, between and after the lines of the trace, themselves included.
  Answer<TraceAnswer> trace_context(const ReadContext& context, const TraceContextRequest& request) const;
  /// Canonical text, as Loki's format_query prints it.
  static Answer<std::string> format(const std::string& query);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cordwood::query
