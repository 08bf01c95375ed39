// SPDX-License-Identifier: Apache-2.0
#include "query/stream_collector.h"

#include <algorithm>

#include "query/step_series.h"

namespace cordwood::query {

namespace {

std::string label_string(const LabelPairs& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ", ";
    out += name;
    out += '=';
    append_go_quoted(value, &out);
  }
  return out + "}";
}

uint64_t pairs_bytes(const LabelPairs& pairs) {
  uint64_t bytes = pairs.size() * sizeof(LabelPairs::value_type);
  for (const auto& [name, value] : pairs) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace

uint64_t CapturedRow::memory_bytes() const {
  return sizeof(*this) + entry.line.size() + pairs_bytes(labels) + pairs_bytes(entry.structured_metadata) +
         pairs_bytes(entry.parsed);
}

LabelPairs RowCapture::collect(PipelineRow& row, unsigned categories) {
  labels_.clear();
  row.labels.append(categories, &labels_);
  std::sort(labels_.begin(), labels_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  LabelPairs out;
  out.reserve(labels_.size());
  for (const LabelView& label : labels_) out.emplace_back(label.name, label.value);
  return out;
}

Result<CapturedRow> RowCapture::capture(PipelineRow& row) {
  CapturedRow out;
  row.labels.load_metadata();
  out.labels = collect(row, categorize_ ? LabelBuilder::kStream : LabelBuilder::kAll);
  out.entry.time_ns = row.time_ns();
  out.entry.line = std::string(row.line());
  if (categorize_) {
    out.entry.structured_metadata = collect(row, LabelBuilder::kMetadata);
    out.entry.parsed = collect(row, LabelBuilder::kParsed);
  }
  if (row.failure()) return *row.failure();
  return out;
}

Result<void> StreamCollector::add(CapturedRow row) {
  const auto [at, is_new] = index_.try_emplace(label_key(row.labels), streams_.size());
  TRY(memory_->add(row.memory_bytes() + (is_new ? at->first.size() + sizeof(LogStream) : 0)));
  if (is_new) streams_.push_back({std::move(row.labels), {}});
  streams_[at->second].entries.push_back(std::move(row.entry));
  return {};
}

Streams StreamCollector::finish() && {
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t i = 0; i < streams_.size(); ++i) order.emplace_back(label_string(streams_[i].labels), i);
  std::sort(order.begin(), order.end());
  Streams out;
  for (const auto& [text, i] : order) out.streams.push_back(std::move(streams_[i]));
  return out;
}

}  // namespace cordwood::query
