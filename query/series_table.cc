// SPDX-License-Identifier: Apache-2.0
#include "query/series_table.h"

#include <algorithm>

#include "storage/base/coding.h"

namespace cordwood::query {

SeriesTable::SeriesTable(const LabelDemand& demand)
    : groups_(demand.groups), without_(demand.without), no_labels_(demand.no_labels) {
  std::sort(groups_.begin(), groups_.end());
  groups_.erase(std::unique(groups_.begin(), groups_.end()), groups_.end());
}

void SeriesTable::collect(PipelineRow& row) {
  current_.clear();
  if (!row.labels.has_error()) {
    if (no_labels_) return;
    if (!without_ && !groups_.empty()) {
      for (const std::string& name : groups_) {
        if (const auto value = row.labels.get(name)) current_.push_back({name, *value});
      }
      return;
    }
  }
  row.labels.append(LabelBuilder::kAll, &current_);
  if (without_ && !row.labels.has_error()) {
    std::erase_if(current_,
                  [&](const LabelView& l) { return std::binary_search(groups_.begin(), groups_.end(), l.name); });
  }
  std::sort(current_.begin(), current_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

void SeriesTable::write_key() {
  key_.clear();
  ByteWriter writer(&key_);
  for (const LabelView& label : current_) {
    writer.string(label.name);
    writer.string(label.value);
  }
}

uint32_t SeriesTable::intern(bool* is_new) {
  write_key();
  *is_new = false;
  if (size() > 0 && key_ == last_key_) return last_series_;
  last_series_ = keys_.number(key_, is_new);
  last_key_ = key_;
  if (*is_new) has_errors_ = has_errors_ || tells_of_error(key_);
  return last_series_;
}

uint32_t SeriesTable::find_key(std::string_view key, bool* is_new) {
  const uint32_t series = keys_.number(key, is_new);
  if (*is_new) has_errors_ = has_errors_ || tells_of_error(key);
  return series;
}

std::optional<NumberedTexts::Split> SeriesTable::split(const std::vector<LabelView>& labels) {
  current_ = labels;
  write_key();
  if (tells_of_error(key_)) return std::nullopt;
  return keys_.split(key_);
}

uint32_t SeriesTable::find(NumberedTexts::Split split, bool* is_new) {
  return keys_.number(split, is_new);
}

LabelPairs SeriesTable::labels(uint32_t series) const {
  LabelPairs labels;
  std::string text;
  keys_.append(series, &text);
  for (ByteReader key(text); key.remaining() > 0;) {
    const std::string_view name = key.string();
    labels.emplace_back(name, key.string());
  }
  return labels;
}

uint32_t SeriesTable::find(PipelineRow& row, bool* is_new) {
  collect(row);
  return intern(is_new);
}

uint32_t SeriesTable::find(const std::vector<LabelView>& labels, bool* is_new) {
  current_ = labels;
  return intern(is_new);
}

}  // namespace cordwood::query
