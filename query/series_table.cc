// SPDX-License-Identifier: Apache-2.0
#include "query/series_table.h"

#include <algorithm>

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

uint32_t SeriesTable::intern(bool* is_new) {
  key_.clear();
  for (const LabelView& label : current_) {
    key_ += label.name;
    key_ += '\xff';
    key_ += label.value;
    key_ += '\xff';
  }
  *is_new = false;
  if (!labels_.empty() && key_ == last_key_) return last_series_;
  const auto [at, added] = index_.try_emplace(key_, static_cast<uint32_t>(labels_.size()));
  if (added) {
    LabelPairs pairs;
    pairs.reserve(current_.size());
    for (const LabelView& label : current_) pairs.emplace_back(label.name, label.value);
    labels_.push_back(std::move(pairs));
    *is_new = true;
  }
  last_key_ = key_;
  last_series_ = at->second;
  return at->second;
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
