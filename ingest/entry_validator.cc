// SPDX-License-Identifier: Apache-2.0
#include "ingest/entry_validator.h"

#include <limits>

#include "ingest/unix_time.h"

namespace cordwood::ingest {

namespace {

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

}  // namespace

uint64_t metadata_bytes(std::span<const MetadataPair> pairs) {
  uint64_t bytes = 0;
  for (const MetadataPair& pair : pairs) {
    if (pair.name != "detected_level") bytes += pair.name.size() + pair.value.size();
  }
  return bytes;
}

void ComplaintList::add(std::string text) {
  ++total_;
  if (const auto it = index_.find(text); it != index_.end()) {
    ++kinds_[it->second].second;
  } else if (kinds_.size() == kMaxKinds) {
    ++unlisted_;
  } else {
    index_.emplace(text, kinds_.size());
    kinds_.emplace_back(std::move(text), 1);
  }
}

std::string ComplaintList::text() const {
  if (total_ == 1) return kinds_[0].first;
  std::string out;
  for (const auto& [text, count] : kinds_) {
    if (!out.empty()) out += "; ";
    out += fmt::format("{} errors like: {}", count, text);
  }
  if (unlisted_ > 0) out += fmt::format("; {} other errors", unlisted_);
  return out;
}

EntryValidator::EntryValidator(const TenantId& tenant, const IngestLimits& limits, int64_t now_ns)
    : tenant_(tenant),
      limits_(limits),
      newest_allowed_ns_(saturating_add(now_ns, limits.creation_grace_period_ns)),
      oldest_allowed_ns_(limits.reject_old_samples ? saturating_add(now_ns, -limits.reject_old_samples_max_age_ns)
                                                   : std::numeric_limits<int64_t>::min()),
      block_(limits.block_ingestion_until_ns > now_ns) {}

void EntryValidator::enter_stream(const ResolvedStream& stream) {
  stream_ = &stream;
  stream_refusal_ = check_stream(stream);
  if (!stream_refusal_.reason.empty()) complaints_.add(stream_refusal_.text);
}

EntryValidator::Refusal EntryValidator::check_stream(const ResolvedStream& stream) {
  Refusal refusal = check_labels(stream);
  if (refusal.reason.empty()) refusal = check_enforced_labels(stream);
  if (refusal.reason.empty() && block_) {
    blocked_ = true;
    refusal = {"blocked_ingestion",
               fmt::format("ingestion blocked for user '{}' until '{}' with status code '{}'", tenant_,
                           format_rfc3339(limits_.block_ingestion_until_ns), limits_.block_ingestion_status_code)};
  }
  return refusal;
}

EntryValidator::Refusal EntryValidator::check_labels(const ResolvedStream& stream) const {
  const auto duplicate = [&]() -> Refusal {
    return {"duplicate_label_names",
            fmt::format("stream '{}' has duplicate label name: '{}'", stream.label_string(), stream.duplicate_name)};
  };
  if (stream.stream == nullptr) return duplicate();
  const Labels& labels = stream.stream->labels;
  if (labels.empty()) return {"missing_labels", "error at least one label pair is required per stream"};
  if (labels.has("__aggregated_metric__")) return {};
  const size_t names = labels.size() - (labels.has("service_name") ? 1 : 0);
  if (names > limits_.max_label_names_per_series) {
    return {"max_label_names_per_series",
            fmt::format("entry for stream '{}' has {} label names; limit {}", stream.label_string(), names,
                        limits_.max_label_names_per_series)};
  }
  for (const auto& [name, value] : labels.pairs()) {
    if (name.size() > limits_.max_label_name_length_bytes) {
      return {"label_name_too_long",
              fmt::format("stream '{}' has label name too long: '{}'", stream.label_string(), name)};
    }
    if (value.size() > limits_.max_label_value_length_bytes) {
      return {"label_value_too_long",
              fmt::format("stream '{}' has label value too long: '{}'", stream.label_string(), value)};
    }
  }
  return {};
}

EntryValidator::Refusal EntryValidator::check_enforced_labels(const ResolvedStream& stream) const {
  std::string missing;
  for (const std::string& name : limits_.enforced_labels) {
    if (stream.stream->labels.has(name)) continue;
    if (!missing.empty()) missing += ',';
    missing += name;
  }
  if (missing.empty()) return {};
  return {"missing_enforced_labels",
          fmt::format("missing required labels '{}' for user '{}' for stream '{}' (policy: '')", missing, tenant_,
                      stream.label_string())};
}

bool EntryValidator::admits(const SentEntry& entry) {
  const uint64_t bytes = entry.line.size() + metadata_bytes(entry.metadata);
  if (!stream_refusal_.reason.empty()) {
    discard(stream_refusal_.reason, 1, bytes);
    refused_.push_back(entry.ordinal);
    return false;
  }
  Refusal refusal = check_entry(entry);
  if (!refusal.reason.empty()) {
    discard(refusal.reason, 1, bytes);
    refused_.push_back(entry.ordinal);
    complaints_.add(std::move(refusal.text));
    return false;
  }
  ++admitted_entries_;
  admitted_bytes_ += bytes;
  admitted_line_bytes_ += entry.line.size();
  return true;
}

EntryValidator::Refusal EntryValidator::check_entry(const SentEntry& entry) const {
  if (entry.time_ns < oldest_allowed_ns_) {
    return {"greater_than_max_sample_age",
            fmt::format("entry for stream '{}' has timestamp too old: {}, oldest acceptable timestamp is: {}",
                        stream_name(), format_rfc3339(entry.time_ns), format_rfc3339(oldest_allowed_ns_))};
  }
  if (entry.time_ns > newest_allowed_ns_) {
    return {"too_far_in_future", fmt::format("entry for stream '{}' has timestamp too new: {}", stream_name(),
                                             format_rfc3339(entry.time_ns))};
  }
  if (limits_.max_line_size_bytes != 0 && entry.line.size() > limits_.max_line_size_bytes) {
    return {
        "line_too_long",
        fmt::format("max entry size '{}' bytes exceeded for stream '{}' while adding an entry with length '{}' bytes",
                    limits_.max_line_size_bytes, stream_name(), entry.line.size())};
  }
  if (!entry.metadata.empty()) return check_metadata(entry);
  return {};
}

EntryValidator::Refusal EntryValidator::check_metadata(const SentEntry& entry) const {
  if (!limits_.allow_structured_metadata) {
    return {"disallowed_structured_metadata",
            fmt::format("stream '{}' includes structured metadata, but this feature is disallowed. Please see "
                        "`limits_config.allow_structured_metadata` or contact your Loki administrator to enable it",
                        stream_name())};
  }
  const uint64_t bytes = metadata_bytes(entry.metadata);
  if (limits_.max_structured_metadata_size_bytes != 0 && bytes > limits_.max_structured_metadata_size_bytes) {
    return {
        "structured_metadata_too_large",
        fmt::format("stream '{}' has structured metadata too large: '{}' bytes, limit: '{}' bytes. Please see "
                    "`limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it",
                    stream_name(), bytes, limits_.max_structured_metadata_size_bytes)};
  }
  const size_t count = entry.metadata.size();
  if (limits_.max_structured_metadata_entries_count != 0 && count > limits_.max_structured_metadata_entries_count) {
    return {"structured_metadata_too_many",
            fmt::format("stream '{}' has too many structured metadata labels: '{}', limit: '{}'. Please see "
                        "`limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to "
                        "increase it",
                        stream_name(), count, limits_.max_structured_metadata_entries_count)};
  }
  return {};
}

void EntryValidator::discard(std::string_view reason, uint64_t entries, uint64_t bytes) {
  auto it = discards_.find(reason);
  if (it == discards_.end()) it = discards_.emplace(reason, DiscardCount{}).first;
  it->second.entries += entries;
  it->second.bytes += bytes;
}

}  // namespace cordwood::ingest
