// SPDX-License-Identifier: Apache-2.0
#include "ingest/row_builder.h"

#include <limits>

#include "ingest/metadata_rules.h"

namespace cordwood::ingest {

namespace {

constexpr std::string_view kDetectedLevel = "detected_level";
constexpr uint64_t kGrantBytes = 1u << 20;
constexpr size_t kMaxLabelTextBytes = 16u << 20;

}  // namespace

Error RowBuilder::too_many_pairs() {
  return Error::invalid(fmt::format("an entry or stream has more than {} name-value pairs", kMaxPairs));
}

RowBuilder::RowBuilder(const DecodePolicy& policy, StreamResolver* streams, EntryGate* gate, int64_t receive_time_ns,
                       MemoryReservation* memory, RowBatch* out)
    : policy_(policy), streams_(streams), gate_(gate), receive_time_ns_(receive_time_ns), memory_(memory), out_(out) {}

Result<void> RowBuilder::begin_stream(std::string_view label_text) {
  ++streams_seen_;
  if (label_text.size() > kMaxLabelTextBytes) {
    return Error::invalid(fmt::format("couldn't parse labels: labels of {} bytes, at most {} are taken",
                                      label_text.size(), kMaxLabelTextBytes));
  }
  auto resolved = streams_->resolve(out_->tenant, policy_, label_text);
  if (!resolved.ok()) return Error::invalid("couldn't parse labels: " + resolved.error().message);
  current_ = std::move(resolved).value();
  entered_ = false;
  current_index_ = kNone;
  rows_of_stream_ = 0;
  return {};
}

Result<void> RowBuilder::add(int64_t time_ns, std::string_view line, std::span<const MetadataPair> metadata) {
  CHECK(current_ != nullptr, "an entry before any stream");
  CHECK(metadata.size() <= kMaxPairs, "{} pairs of metadata, at most {}", metadata.size(), kMaxPairs);
  if (next_ordinal_ == std::numeric_limits<uint32_t>::max()) return Error::exhausted("too many entries in one push");
  if (!entered_) {
    gate_->enter_stream(*current_);
    entered_ = true;
  }
  line = truncated(line);
  const uint32_t ordinal = next_ordinal_++;
  if (!gate_->admits({ordinal, time_ns, line, metadata})) return {};

  TRY(account());
  BatchRow row;
  row.time_ns = time_ns;
  row.line = line;
  row.metadata_begin = static_cast<uint32_t>(out_->metadata.size());
  if (!metadata.empty()) {
    auto appended = append_normalised(metadata, &out_->arena, &out_->metadata);
    if (!appended.ok()) {
      metadata_name_failed_ = true;
      return std::move(appended).error();
    }
  }
  row.metadata_count = static_cast<uint16_t>(out_->metadata.size() - row.metadata_begin);
  if (policy_.rules.discover_levels) add_level(&row);
  row.stream = batch_stream();
  if (policy_.rules.increment_duplicate_timestamp) make_times_distinct(&row, rows_of_stream_ == 0);
  ++rows_of_stream_;
  out_->rows.push_back(row);
  ordinals_.push_back(ordinal);
  return {};
}

Result<std::string_view> RowBuilder::metadata_name(std::string_view name) {
  auto normal = normalise_metadata_name(name, &out_->arena);
  metadata_name_failed_ = metadata_name_failed_ || !normal.ok();
  return normal;
}

/// Vectors double, so what they hold is counted twice.
Result<void> RowBuilder::account() {
  if (memory_ == nullptr) return {};
  const uint64_t used =
      2 * (out_->rows.size() * (sizeof(BatchRow) + sizeof(uint32_t)) + out_->metadata.size() * sizeof(MetadataPair)) +
      out_->arena.reserved_bytes();
  while (used > granted_bytes_) {
    TRY(memory_->grow(kGrantBytes));
    granted_bytes_ += kGrantBytes;
  }
  return {};
}

std::string_view RowBuilder::truncated(std::string_view line) {
  const uint64_t limit = policy_.rules.truncate_lines_bytes;
  if (limit == 0 || line.size() <= limit) return line;
  const std::string_view identifier = policy_.rules.truncate_identifier;
  if (identifier.empty() || identifier.size() > limit) return line.substr(0, limit);
  char* out = out_->arena.allocate(limit);
  const std::string_view kept = line.substr(0, limit - identifier.size());
  std::copy(kept.begin(), kept.end(), out);
  std::copy(identifier.begin(), identifier.end(), out + kept.size());
  return {out, limit};
}

void RowBuilder::add_level(BatchRow* row) {
  const std::span<MetadataPair> sent(out_->metadata.data() + row->metadata_begin, row->metadata_count);
  for (MetadataPair& pair : sent) {
    if (pair.name != kDetectedLevel) continue;
    const std::string_view level = known_level(pair.value);
    if (!level.empty()) pair.value = level;
    return;
  }
  const std::string_view level = !current_->level.empty() ? current_->level : policy_.levels.of_entry(sent, row->line);
  out_->metadata.push_back({kDetectedLevel, level});
  ++row->metadata_count;
  row->derived_count = 1;
}

void RowBuilder::make_times_distinct(BatchRow* row, bool first_of_stream) {
  const int64_t sent_time_ns = row->time_ns;
  if (!first_of_stream) {
    const BatchRow& previous = out_->rows.back();
    const bool same_time = sent_time_ns == previous_sent_time_ns_ || sent_time_ns == previous.time_ns;
    if (same_time && previous.line != row->line && previous.time_ns < std::numeric_limits<int64_t>::max()) {
      row->time_ns = previous.time_ns + 1;
      return;
    }
  }
  previous_sent_time_ns_ = sent_time_ns;
}

uint32_t RowBuilder::batch_stream() {
  if (current_index_ != kNone) return current_index_;
  const auto [it, added] =
      stream_index_.try_emplace(current_->stream.get(), static_cast<uint32_t>(out_->streams.size()));
  if (added) {
    out_->streams.push_back(current_->stream);
    held_.push_back(current_);
  }
  current_index_ = it->second;
  return current_index_;
}

}  // namespace cordwood::ingest
