// SPDX-License-Identifier: Apache-2.0
#include "ingest/otlp_rows.h"

#include <algorithm>
#include <limits>

#include "ingest/metadata_rules.h"

namespace cordwood::ingest {

std::string_view hex_of_id(std::string_view bytes, Arena* arena) {
  if (bytes.find_first_not_of('\0') == std::string_view::npos) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  char* out = arena->allocate(bytes.size() * 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = kDigits[static_cast<unsigned char>(bytes[i]) >> 4];
    out[2 * i + 1] = kDigits[static_cast<unsigned char>(bytes[i]) & 15];
  }
  return {out, bytes.size() * 2};
}

Result<void> OtlpRows::begin_resource(const std::vector<OtlpAttribute>& attributes) {
  resource_.clear();
  scope_.clear();
  stream_begun_ = false;
  std::vector<MetadataPair> labels;
  const std::vector<std::string>& promoted = rows_->rules().otlp_index_labels;
  for (const OtlpAttribute& attribute : attributes) {
    const bool is_label = std::find(promoted.begin(), promoted.end(), attribute.key) != promoted.end();
    TRY(flatten("", attribute, is_label ? &labels : &resource_));
  }
  std::stable_sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  label_text_.assign(1, '{');
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i + 1 < labels.size() && labels[i + 1].name == labels[i].name) continue;  // the last one counts
    if (label_text_.size() > 1) label_text_ += ", ";
    label_text_ += labels[i].name;
    label_text_ += '=';
    append_go_quoted(normalise_metadata_value(labels[i].value, rows_->arena()), &label_text_);
  }
  label_text_ += '}';
  return {};
}

Result<void> OtlpRows::begin_scope(const OtlpScope& scope) {
  scope_.clear();
  TRY(flatten_all(scope.attributes, &scope_));
  if (!scope.name.empty()) scope_.push_back({"scope_name", scope.name});
  if (!scope.version.empty()) scope_.push_back({"scope_version", scope.version});
  if (scope.dropped_attributes_count != 0) {
    scope_.push_back({"scope_dropped_attributes_count", number(scope.dropped_attributes_count)});
  }
  return {};
}

Result<int64_t> OtlpRows::time_of(const OtlpRecord& record) {
  const uint64_t time = record.time_unix_nano != 0 ? record.time_unix_nano : record.observed_time_unix_nano;
  if (time == 0) return rows_->take_receive_time_ns();
  if (time > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Error::invalid(fmt::format("timestamp: {} does not fit 64-bit signed nanoseconds", time));
  }
  return static_cast<int64_t>(time);
}

Result<void> OtlpRows::add(const OtlpRecord& record) {
  if (!stream_begun_) TRY(rows_->begin_stream(label_text_));
  stream_begun_ = true;
  TRY_ASSIGN(const int64_t time_ns, time_of(record));
  entry_.clear();
  TRY(flatten_all(record.attributes, &entry_));
  if (record.time_unix_nano != 0 && record.observed_time_unix_nano != 0) {
    entry_.push_back({"observed_timestamp", number(record.observed_time_unix_nano)});
  }
  if (record.severity_number != 0) {
    entry_.push_back({"severity_number", rows_->arena()->copy(fmt::format("{}", record.severity_number))});
  }
  if (!record.severity_text.empty()) entry_.push_back({"severity_text", record.severity_text});
  if (record.dropped_attributes_count != 0) {
    entry_.push_back({"dropped_attributes_count", number(record.dropped_attributes_count)});
  }
  if (record.flags != 0) entry_.push_back({"flags", number(record.flags)});
  if (!record.trace_id.empty()) entry_.push_back({"trace_id", record.trace_id});
  if (!record.span_id.empty()) entry_.push_back({"span_id", record.span_id});
  if (!record.event_name.empty()) entry_.push_back({"event_name", record.event_name});
  if (entry_.size() + resource_.size() + scope_.size() > RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
  entry_.insert(entry_.end(), resource_.begin(), resource_.end());
  entry_.insert(entry_.end(), scope_.begin(), scope_.end());
  return rows_->add(time_ns, text_of(record.body), entry_);
}

Result<void> OtlpRows::flatten_all(const std::vector<OtlpAttribute>& attributes, std::vector<MetadataPair>* out) {
  for (const OtlpAttribute& attribute : attributes) TRY(flatten("", attribute, out));
  return {};
}

Result<void> OtlpRows::flatten(std::string_view prefix, const OtlpAttribute& attribute,
                               std::vector<MetadataPair>* out) {
  if (out->size() >= RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
  std::string_view key = attribute.key;
  std::string joined;
  if (!prefix.empty()) {
    joined = fmt::format("{}_{}", prefix, key);
    key = joined;
  }
  TRY_ASSIGN(std::string_view name, rows_->metadata_name(key));
  if (attribute.value.kind == OtlpValue::Kind::map) {
    for (const OtlpAttribute& member : attribute.value.members) TRY(flatten(name, member, out));
    return {};
  }
  const std::string_view text = text_of(attribute.value);
  if (text.empty()) return {};
  if (name.data() == joined.data()) name = rows_->arena()->copy(name);
  out->push_back({name, text});
  return {};
}

std::string_view OtlpRows::text_of(const OtlpValue& value) {
  if (value.kind == OtlpValue::Kind::text || value.kind == OtlpValue::Kind::empty) return value.text;
  std::string text;
  value.append_text(&text);
  return rows_->arena()->copy(text);
}

std::string_view OtlpRows::number(uint64_t value) {
  return rows_->arena()->copy(fmt::format("{}", value));
}

}  // namespace cordwood::ingest
