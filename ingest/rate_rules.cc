// SPDX-License-Identifier: Apache-2.0
#include "ingest/rate_rules.h"

#include <algorithm>

#include "ingest/unix_time.h"

namespace cordwood::ingest {

namespace {

constexpr double kMegabyte = 1u << 20;
constexpr size_t kMaxNamedEntries = 10;

std::span<const MetadataPair> metadata_of(const RowBatch& batch, const BatchRow& row) {
  return {batch.metadata.data() + row.metadata_begin, row.metadata_count};
}

uint64_t bytes_of(const RowBatch& batch, const BatchRow& row) {
  return row.line.size() + metadata_bytes(metadata_of(batch, row));
}

struct StreamUse {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

std::vector<StreamUse> use_of_streams(const RowBatch& batch) {
  std::vector<StreamUse> uses(batch.streams.size());
  for (const BatchRow& row : batch.rows) {
    ++uses[row.stream].rows;
    uses[row.stream].bytes += bytes_of(batch, row);
  }
  return uses;
}

std::string stream_limit_text(const RowBatch& batch, const Stream& stream) {
  return fmt::format(
      "maximum active stream limit exceeded when trying to create stream {}, reduce the number of active streams "
      "(reduce "
      "labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: "
      "'{}'",
      stream.label_string, batch.tenant);
}

/// Names the first entries one by one, each with the reason.
std::string stream_rate_text(const RowBatch& batch, uint32_t stream, const StreamUse& use, uint64_t limit) {
  const std::string& name = batch.streams[stream]->label_string;
  const std::string reason = fmt::format(
      "Per stream rate limit exceeded (limit: {}/sec) while attempting to ingest for stream '{}' totaling {}, consider "
      "splitting a stream via additional labels or contact your Loki administrator to see if the limit can be "
      "increased",
      format_byte_size(limit), name, format_byte_size(use.bytes));
  std::string text;
  size_t named = 0;
  for (const BatchRow& row : batch.rows) {
    if (row.stream != stream) continue;
    if (named++ == kMaxNamedEntries) break;
    text += fmt::format("entry with timestamp {} ignored, reason: '{}',\n", format_go_time(row.time_ns), reason);
  }
  return text +
         fmt::format("user '{}', total ignored: {} out of {} for stream: {}", batch.tenant, use.rows, use.rows, name);
}

void remove_rows(const std::vector<bool>& refused_streams, const std::vector<uint32_t>& ordinals,
                 EntryValidator* validator, RowBatch* batch) {
  size_t kept = 0;
  const size_t before = validator->refused().size();
  for (size_t i = 0; i < batch->rows.size(); ++i) {
    if (refused_streams[batch->rows[i].stream]) {
      validator->refused().push_back(ordinals[i]);
    } else {
      batch->rows[kept++] = batch->rows[i];
    }
  }
  batch->rows.resize(kept);
  auto& refused = validator->refused();
  std::inplace_merge(refused.begin(), refused.begin() + static_cast<ptrdiff_t>(before), refused.end());
}

std::optional<RateRefusal> apply_tenant_rate(const IngestLimits& limits, TenantLimiter* limiter, int64_t monotonic_ns,
                                             EntryValidator* validator, RowBatch* batch) {
  if (limits.ingestion_rate_mb <= 0) return {};
  const double rate = limits.ingestion_rate_mb * kMegabyte;
  const uint64_t bytes = validator->admitted_bytes();
  if (limiter->take_bytes(rate, limits.ingestion_burst_size_mb * kMegabyte, bytes, monotonic_ns)) return {};
  const uint64_t entries = batch->rows.size();
  validator->discard("rate_limited", entries, bytes);
  batch->rows.clear();
  return RateRefusal{
      429,
      fmt::format("ingestion rate limit exceeded for user {} (limit: {} bytes/sec) while attempting to ingest '{}' "
                  "lines totaling '{}' bytes, reduce log volume or contact your Loki administrator to see if the "
                  "limit can be increased",
                  batch->tenant, static_cast<uint64_t>(rate), entries, bytes)};
}

}  // namespace

std::string format_byte_size(uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"EB", "PB", "TB", "GB", "MB", "KB"};
  for (size_t i = 0; i < std::size(kUnits) && bytes > 0; ++i) {
    const uint64_t unit = uint64_t{1} << (60 - 10 * i);
    if (bytes % unit == 0) return fmt::format("{}{}", bytes / unit, kUnits[i]);
  }
  return fmt::format("{}B", bytes);
}

std::optional<RateRefusal> apply_rates(const IngestLimits& limits, TenantLimiters* limiters, int64_t monotonic_ns,
                                       const std::vector<uint32_t>& ordinals, EntryValidator* validator,
                                       RowBatch* batch) {
  const bool by_stream = limits.per_stream_rate_limit_bytes > 0;
  const bool by_count = limits.max_global_streams_per_user > 0;
  if (limits.ingestion_rate_mb <= 0 && !by_stream && !by_count) return {};
  const auto limiter = limiters->of(batch->tenant);
  if (auto refusal = apply_tenant_rate(limits, limiter.get(), monotonic_ns, validator, batch)) return refusal;
  if (!by_stream && !by_count) return {};

  std::optional<RateRefusal> last;
  const std::vector<StreamUse> uses = use_of_streams(*batch);
  std::vector<bool> refused(batch->streams.size(), false);
  for (uint32_t i = 0; i < batch->streams.size(); ++i) {
    const Stream& stream = *batch->streams[i];
    if (by_count && !limiter->admit_stream(stream.id, limits.max_global_streams_per_user, monotonic_ns)) {
      last = RateRefusal{429, stream_limit_text(*batch, stream)};
      validator->discard("stream_limit", uses[i].rows, uses[i].bytes);
      refused[i] = true;
    } else if (by_stream &&
               !limiter->take_stream_bytes(stream.id, static_cast<double>(limits.per_stream_rate_limit_bytes),
                                           static_cast<double>(limits.per_stream_rate_limit_burst_bytes), uses[i].bytes,
                                           monotonic_ns)) {
      last = RateRefusal{429, stream_rate_text(*batch, i, uses[i], limits.per_stream_rate_limit_bytes)};
      validator->discard("per_stream_rate_limit", uses[i].rows, uses[i].bytes);
      refused[i] = true;
    }
  }
  if (last) remove_rows(refused, ordinals, validator, batch);
  return last;
}

}  // namespace cordwood::ingest
