// SPDX-License-Identifier: Apache-2.0
#include "query/line_fields.h"

#include <algorithm>

#include "query/label_builder.h"

namespace cordwood::query {

namespace {

constexpr std::string_view kJson = "json";
constexpr std::string_view kLogfmt = "logfmt";

}  // namespace

void LineFields::read(std::string_view line, const LabelPairs& stream_labels) {
  stream_labels_ = &stream_labels;
  fields_.clear();
  parser_ = kJson;
  if (!json_.extract(line).failed) return;
  fields_.clear();
  parser_ = kLogfmt;
  logfmt_.extract(line, this);
}

const LineFields::Field* LineFields::find(std::string_view name) const {
  const auto at = std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  return at == fields_.end() ? nullptr : &*at;
}

bool LineFields::wants(std::string_view name) {
  const bool taken = std::any_of(stream_labels_->begin(), stream_labels_->end(),
                                 [&](const auto& label) { return label.first == name; });
  name_ = name;
  if (taken) name_ += kExtractedSuffix;
  return find(name_) == nullptr;
}

bool LineFields::on_field(std::string_view, std::string_view value) {
  Field& field = fields_.emplace_back();
  field.name = name_;
  field.value = value;
  if (parser_ == kJson) field.json_path.assign(json_.path().begin(), json_.path().end());
  return true;
}

}  // namespace cordwood::query
