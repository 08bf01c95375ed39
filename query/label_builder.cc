// SPDX-License-Identifier: Apache-2.0
#include "query/label_builder.h"

#include <algorithm>

namespace cordwood::query {

void LabelBuilder::begin(const Labels* stream, BlockView* block, uint32_t row) {
  stream_ = stream;
  block_ = block;
  row_ = row;
  metadata_loaded_ = block == nullptr;
  metadata_.clear();
  parsed_.clear();
  removed_.clear();
  extracted_.clear();
  error_ = {};
  error_details_ = {};
  failure_.reset();
}

const LabelView* LabelBuilder::find_parsed(std::string_view name) const {
  for (const LabelView& label : parsed_) {
    if (label.name == name) return &label;
  }
  return nullptr;
}

bool LabelBuilder::removed(std::string_view name) const {
  return std::find(removed_.begin(), removed_.end(), name) != removed_.end();
}

bool LabelBuilder::extracted(std::string_view name) const {
  return std::find(extracted_.begin(), extracted_.end(), name) != extracted_.end();
}

void LabelBuilder::load_metadata() {
  if (metadata_loaded_) return;
  metadata_loaded_ = true;
  pairs_.clear();
  if (auto read = block_->metadata(row_, &pairs_); !read.ok()) {
    failure_ = std::move(read).error();
    return;
  }
  for (const MetadataPair& pair : pairs_) {
    std::string_view name = pair.name;
    if (stream_->has(name)) name = arena_->join(name, kExtractedSuffix);
    const auto known = std::find_if(metadata_.begin(), metadata_.end(), [&](const auto& l) { return l.name == name; });
    if (known != metadata_.end()) {
      known->value = pair.value;
    } else {
      metadata_.push_back({name, pair.value});
    }
  }
}

std::optional<std::string_view> LabelBuilder::column_value(std::string_view name) {
  auto value = block_->metadata_value(row_, name);
  if (!value.ok()) {
    failure_ = std::move(value).error();
    return std::nullopt;
  }
  return *value;
}

std::optional<std::string_view> LabelBuilder::metadata_value(std::string_view name) {
  if (find_parsed(name) != nullptr || removed(name)) return std::nullopt;
  if (metadata_loaded_) {
    for (const LabelView& label : metadata_) {
      if (label.name == name) return label.value;
    }
    return std::nullopt;
  }
  if (!stream_->has(name)) {
    if (auto value = column_value(name)) return value;
  }
  if (name.size() > kExtractedSuffix.size() && name.ends_with(kExtractedSuffix)) {
    const std::string_view bare = name.substr(0, name.size() - kExtractedSuffix.size());
    if (stream_->has(bare)) return column_value(bare);
  }
  return std::nullopt;
}

bool LabelBuilder::metadata_has(std::string_view name) {
  return metadata_value(name).has_value();
}

std::optional<std::string_view> LabelBuilder::get(std::string_view name) {
  if (const LabelView* label = find_parsed(name)) return label->value;
  if (auto value = metadata_value(name)) return value;
  if (removed(name)) return std::nullopt;
  if (stream_->has(name)) return stream_->get(name);
  return std::nullopt;
}

std::string_view LabelBuilder::parsed_name(std::string_view name) {
  return stream_->has(name) || metadata_has(name) ? arena_->join(name, kExtractedSuffix) : name;
}

void LabelBuilder::set_parsed(std::string_view name, std::string_view value) {
  if (!extracted(name)) extracted_.push_back(name);
  for (LabelView& label : parsed_) {
    if (label.name == name) {
      label.value = value;
      return;
    }
  }
  parsed_.push_back({name, value});
}

void LabelBuilder::remove(std::string_view name) {
  std::erase_if(parsed_, [&](const LabelView& label) { return label.name == name; });
  if (!removed(name)) removed_.push_back(name);
}

void LabelBuilder::append(unsigned categories, std::vector<LabelView>* out) {
  if ((categories & (kStream | kMetadata)) != 0) load_metadata();
  if ((categories & kStream) != 0) {
    for (const auto& [name, value] : stream_->pairs()) {
      if (removed(name) || find_parsed(name) != nullptr) continue;
      const bool hidden =
          std::any_of(metadata_.begin(), metadata_.end(), [&wanted = name](const auto& l) { return l.name == wanted; });
      if (!hidden) out->push_back({name, value});
    }
  }
  if ((categories & kMetadata) != 0) {
    for (const LabelView& label : metadata_) {
      if (!removed(label.name) && find_parsed(label.name) == nullptr) out->push_back(label);
    }
  }
  if ((categories & kParsed) != 0) {
    out->insert(out->end(), parsed_.begin(), parsed_.end());
    // A line may bring fields of these names; they stand already.
    if (!error_.empty() && find_parsed(kErrorLabel) == nullptr) out->push_back({kErrorLabel, error_});
    if (!error_details_.empty() && find_parsed(kErrorDetailsLabel) == nullptr) {
      out->push_back({kErrorDetailsLabel, error_details_});
    }
  }
}

}  // namespace cordwood::query
