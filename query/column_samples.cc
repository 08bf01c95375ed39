// SPDX-License-Identifier: Apache-2.0
#include "query/column_samples.h"

#include <algorithm>

#include "query/sample_value.h"

namespace cordwood::query {

namespace {

/// A key has so many bits for the value of each label.
constexpr uint32_t kKeyBits = 21;
/// Values are numbered anew before a block that might bring more.
constexpr size_t kMostTexts = size_t{1} << kKeyBits;
constexpr size_t kMostGroups = 64 / kKeyBits;
/// Series of keys up to this one are found by their place.
constexpr uint64_t kMostDirect = 1 << 16;

std::vector<std::string> sorted_groups(const LabelDemand& demand) {
  std::vector<std::string> groups = demand.no_labels ? std::vector<std::string>() : demand.groups;
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

}  // namespace

std::vector<std::string> ColumnSamples::names(const LabelDemand& demand) {
  std::vector<std::string> names = sorted_groups(demand);
  if (!demand.unwrap_name.empty()) names.push_back(demand.unwrap_name);
  return names;
}

ColumnSamples::ColumnSamples(const RangeAggregation& aggregation, const LabelDemand& demand, SeriesTable* table)
    : table_(table), counts_bytes_(aggregation.op == RangeOp::bytes || aggregation.op == RangeOp::bytes_rate) {
  const bool all_labels = !demand.no_labels && (demand.without || demand.groups.empty());
  for (std::string& name : sorted_groups(demand)) {
    groups_.emplace_back();
    groups_.back().name = std::move(name);
    groups_.back().values = std::make_unique<ToId>();
    groups_.back().values->name = groups_.back().name;
  }
  if (groups_.size() == 1) groups_[0].values->table = table;
  possible_ = !all_labels && groups_.size() <= kMostGroups;
  if (!aggregation.range.unwrap) return;
  takes_label_ = true;
  value_name_ = aggregation.range.unwrap->name;
  to_number_.conversion = aggregation.range.unwrap->conversion;
}

ColumnSamples::ToNumber::Value ColumnSamples::ToNumber::of(std::optional<std::string_view> text) const {
  if (!text || text->empty()) return {};
  const std::optional<double> number = SampleValue::convert(conversion, *text);
  return number ? Value{Value::Kind::value, *number} : Value{Value::Kind::open, 0};
}

std::optional<ColumnSamples::ToNumber::Value> ColumnSamples::ToNumber::of_number(double number) const {
  if (conversion != UnwrapConversion::none) return std::nullopt;
  return Value{Value::Kind::value, number};
}

uint32_t ColumnSamples::ToId::of(std::optional<std::string_view> text) {
  if (!text) return 0;
  bool is_new = false;
  if (table == nullptr) return texts.number(*text, &is_new) + 1;
  labels.assign(1, {name, *text});
  return table->find(labels, &is_new) + 1;
}

std::optional<NumberedTexts::Split> ColumnSamples::ToId::split(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  if (table == nullptr) return texts.split(*text);
  labels.assign(1, {name, *text});
  return table->split(labels);
}

uint32_t ColumnSamples::ToId::of_split(NumberedTexts::Split split) {
  bool is_new = false;
  return (table == nullptr ? texts.number(split, &is_new) : table->find(split, &is_new)) + 1;
}

Result<void> ColumnSamples::begin_block(BlockView& view, const BlockLabels& labels) {
  view_ = &view;
  bool same = true;  // so that series found in the block before can be found again
  for (size_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    same = same && group.of_stream == labels.label(i).of_stream &&
           group.values->texts.size() + view.row_count() < kMostTexts;
    group.of_stream = labels.label(i).of_stream;
  }
  if (!same) forget_series();
  series_depend_on_stream_ =
      std::any_of(groups_.begin(), groups_.end(), [](const Group& group) { return group.of_stream; });
  for (size_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    group.cells.reset();
    if (group.of_stream) continue;
    TRY_ASSIGN(LabelCells<ToId> cells, LabelCells<ToId>::make(view, labels, i, group.values.get()));
    group.cells.emplace(std::move(cells));
  }
  if (!takes_label_) return {};
  const auto at =
      std::find_if(groups_.begin(), groups_.end(), [this](const Group& g) { return g.name == value_name_; });
  const auto index = static_cast<size_t>(at - groups_.begin());  // behind the groups, unless it is one
  value_of_stream_ = labels.label(index).of_stream;
  value_cells_.reset();
  if (value_of_stream_) return {};
  TRY_ASSIGN(LabelCells<ToNumber> cells, LabelCells<ToNumber>::make(view, labels, index, &to_number_));
  value_cells_.emplace(std::move(cells));
  return {};
}

void ColumnSamples::forget_series() {
  series_by_id_.clear();
  series_by_key_.clear();
  for (Group& group : groups_) {
    group.stream_value.reset();
    group.values->texts.clear();
  }
}

void ColumnSamples::begin_stream(const Stream& stream) {
  if (value_of_stream_) stream_value_ = to_number_.of(stream.labels.get(value_name_));
  if (!series_depend_on_stream_) return;
  bool same = true;
  for (Group& group : groups_) {
    if (!group.of_stream) continue;
    const std::string_view value = stream.labels.get(group.name);
    same = same && group.stream_value == value;
    group.stream_value = value;
  }
  if (same) return;
  series_by_id_.clear();
  series_by_key_.clear();
}

uint32_t ColumnSamples::series_of(uint64_t key) {
  constexpr uint64_t kMask = (uint64_t{1} << kKeyBits) - 1;
  labels_.clear();
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    if (group->of_stream) {
      labels_.push_back({group->name, *group->stream_value});
      continue;
    }
    const uint64_t id = key & kMask;
    key >>= kKeyBits;
    if (id == 0) continue;
    group->text.clear();
    group->values->texts.append(static_cast<uint32_t>(id - 1), &group->text);
    labels_.push_back({group->name, group->text});
  }
  std::reverse(labels_.begin(), labels_.end());
  bool is_new = false;
  return table_->find(labels_, &is_new);
}

uint32_t ColumnSamples::find_series(uint64_t key) {
  if (key > 0 && groups_.size() == 1) return static_cast<uint32_t>(key - 1);
  if (key <= kMostDirect) {
    if (key >= series_by_id_.size()) series_by_id_.resize(key + 1);
    uint32_t& known = series_by_id_[key];
    if (known == 0) known = series_of(key) + 1;
    return known - 1;
  }
  const auto [known, added] = series_by_key_.try_emplace(key);
  if (added) known->second = series_of(key);
  return known->second;
}

Result<void> ColumnSamples::read_values(std::span<const uint32_t> rows, std::span<const uint32_t> shapes,
                                        Samples* out) {
  if (!takes_label_) {
    out->rows.assign(rows.begin(), rows.end());
    out->values.assign(rows.size(), 1);
    if (!counts_bytes_) return {};
    for (size_t i = 0; i < rows.size(); ++i) {
      TRY_ASSIGN(const uint64_t bytes, view_->line_bytes(rows[i]));
      out->values[i] = static_cast<double>(bytes);
    }
    return {};
  }
  numbers_.assign(rows.size(), stream_value_);
  if (!value_of_stream_) TRY(value_cells_->read(rows, shapes, numbers_.data()));
  for (size_t i = 0; i < rows.size(); ++i) {
    switch (numbers_[i].kind) {
      case ToNumber::Value::Kind::none: break;
      case ToNumber::Value::Kind::open: out->open.push_back(rows[i]); break;
      case ToNumber::Value::Kind::value: out->rows.push_back(rows[i]); out->values.push_back(numbers_[i].number);
    }
  }
  return {};
}

Result<void> ColumnSamples::read(std::span<const uint32_t> rows, std::span<const uint32_t> shapes, Samples* out) {
  out->rows.clear();
  out->values.clear();
  out->open.clear();
  TRY(read_values(rows, shapes, out));
  const size_t count = out->rows.size();
  keys_.assign(count, 0);
  ids_.resize(count);
  for (Group& group : groups_) {
    if (group.of_stream) continue;
    TRY(group.cells->read(out->rows, shapes, ids_.data()));
    for (size_t i = 0; i < count; ++i) keys_[i] = keys_[i] << kKeyBits | ids_[i];
  }
  out->series.resize(count);
  for (size_t i = 0; i < count; ++i) out->series[i] = find_series(keys_[i]);
  return {};
}

}  // namespace cordwood::query
