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

std::string stream_limit_text(const RowBatch& batch, const Stream& stream) {
  return fmt::format(
      "maximum active stream limit exceeded when trying to create stream {}, reduce the number of active streams "
      "(reduce "
      "labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: "
      "'{}'",
      stream.label_string, batch.tenant);
}

/// What the answer says of one stream's refused entries: the first ones, each with its reason, and how many there are.
class RefusedEntries {
 public:
  void add(int64_t time_ns, const std::string& reason) {
    if (count_++ < kMaxNamedEntries) {
      text_ += fmt::format("entry with timestamp {} ignored, reason: '{}',\n", format_go_time(time_ns), reason);
    }
  }
  uint64_t count() const { return count_; }
  std::string text(const TenantId& tenant, uint64_t sent, const std::string& stream) const {
    return text_ + fmt::format("user '{}', total ignored: {} out of {} for stream: {}", tenant, count_, sent, stream);
  }

 private:
  std::string text_;
  uint64_t count_ = 0;
};

/// The limits of one stream after the other, on the rows of one batch.
class StreamRates {
 public:
  StreamRates(const IngestLimits& limits, TenantLimiter* limiter, int64_t monotonic_ns, EntryValidator* validator,
              const RowBatch& batch)
      : limits_(limits),
        limiter_(*limiter),
        monotonic_ns_(monotonic_ns),
        validator_(*validator),
        batch_(batch),
        refused_(batch.rows.size(), false) {}

  std::optional<RateRefusal> apply() {
    std::vector<std::vector<uint32_t>> rows(batch_.streams.size());
    for (uint32_t i = 0; i < batch_.rows.size(); ++i) rows[batch_.rows[i].stream].push_back(i);
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].empty()) check_stream(*batch_.streams[i], rows[i]);
    }
    return std::move(last_);
  }
  const std::vector<bool>& refused() const { return refused_; }

 private:
  uint64_t bytes_of_row(uint32_t row) const { return bytes_of(batch_, batch_.rows[row]); }

  void check_stream(const Stream& stream, const std::vector<uint32_t>& rows) {
    if (limits_.max_global_streams_per_user > 0 &&
        !limiter_.admit_stream(stream.id, limits_.max_global_streams_per_user, monotonic_ns_)) {
      last_ = RateRefusal{429, stream_limit_text(batch_, stream)};
      for (const uint32_t row : rows) refuse(row, "stream_limit");
      return;
    }
    if (limits_.max_chunk_age_ns > 0) check_behind(stream, rows);
    if (limits_.per_stream_rate_limit_bytes > 0) check_rate(stream, rows);
  }

  /// Each entry is held against the newest before it, in the order they were sent.
  void check_behind(const Stream& stream, const std::vector<uint32_t>& rows) {
    RefusedEntries entries;
    const int64_t window_ns = limits_.max_chunk_age_ns / 2;
    int64_t newest_ns = limiter_.newest_ns(stream.id).value_or(batch_.rows[rows[0]].time_ns);
    for (const uint32_t row : rows) {
      const int64_t time_ns = batch_.rows[row].time_ns;
      // Unsigned: the distance of any two times has room.
      if (time_ns >= newest_ns ||
          static_cast<uint64_t>(newest_ns) - static_cast<uint64_t>(time_ns) <= static_cast<uint64_t>(window_ns)) {
        newest_ns = std::max(newest_ns, time_ns);
        continue;
      }
      entries.add(time_ns,
                  fmt::format("entry too far behind, entry timestamp is: {}, oldest acceptable timestamp is: {}",
                              format_rfc3339(time_ns), format_rfc3339(newest_ns - window_ns)));
      refuse(row, "too_far_behind");
    }
    limiter_.raise_newest(stream.id, newest_ns);
    if (entries.count() > 0) last_ = RateRefusal{400, entries.text(batch_.tenant, rows.size(), stream.label_string)};
  }

  /// All that is left of the stream, or nothing.
  void check_rate(const Stream& stream, const std::vector<uint32_t>& rows) {
    uint64_t bytes = 0;
    for (const uint32_t row : rows) bytes += refused_[row] ? 0 : bytes_of_row(row);
    if (limiter_.take_stream_bytes(stream.id, static_cast<double>(limits_.per_stream_rate_limit_bytes),
                                   static_cast<double>(limits_.per_stream_rate_limit_burst_bytes), bytes,
                                   monotonic_ns_)) {
      return;
    }
    const std::string reason = fmt::format(
        "Per stream rate limit exceeded (limit: {}/sec) while attempting to ingest for stream '{}' totaling {}, "
        "consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can "
        "be increased",
        format_byte_size(limits_.per_stream_rate_limit_bytes), stream.label_string, format_byte_size(bytes));
    RefusedEntries entries;
    for (const uint32_t row : rows) {
      entries.add(batch_.rows[row].time_ns, reason);
      if (!refused_[row]) refuse(row, "per_stream_rate_limit");
    }
    last_ = RateRefusal{429, entries.text(batch_.tenant, rows.size(), stream.label_string)};
  }

  void refuse(uint32_t row, std::string_view why) {
    refused_[row] = true;
    validator_.discard(why, 1, bytes_of_row(row));
  }

  const IngestLimits& limits_;
  TenantLimiter& limiter_;
  const int64_t monotonic_ns_;
  EntryValidator& validator_;
  const RowBatch& batch_;
  std::vector<bool> refused_;  ///< by row
  std::optional<RateRefusal> last_;
};

void remove_rows(const std::vector<bool>& refused_rows, const std::vector<uint32_t>& ordinals,
                 EntryValidator* validator, RowBatch* batch) {
  size_t kept = 0;
  const size_t before = validator->refused().size();
  for (size_t i = 0; i < batch->rows.size(); ++i) {
    if (refused_rows[i]) {
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
  const bool by_stream =
      limits.per_stream_rate_limit_bytes > 0 || limits.max_global_streams_per_user > 0 || limits.max_chunk_age_ns > 0;
  if (limits.ingestion_rate_mb <= 0 && !by_stream) return {};
  const auto limiter = limiters->of(batch->tenant);
  if (auto refusal = apply_tenant_rate(limits, limiter.get(), monotonic_ns, validator, batch)) return refusal;
  if (!by_stream) return {};
  StreamRates rates(limits, limiter.get(), monotonic_ns, validator, *batch);
  auto last = rates.apply();
  if (last) remove_rows(rates.refused(), ordinals, validator, batch);
  return last;
}

}  // namespace cordwood::ingest
