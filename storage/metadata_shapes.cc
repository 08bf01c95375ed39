// SPDX-License-Identifier: Apache-2.0
#include "storage/metadata_shapes.h"

#include "storage/base/coding.h"

namespace cordwood {

void MetadataShapes::reset() {
  shapes_.clear();
  columns_.clear();
  shape_ids_.clear();
  column_ids_.clear();
  last_ = packed_ = UINT32_MAX;
  arena_ = Arena();
}

bool MetadataShapes::is_shape(uint32_t id, std::span<const MetadataPair> metadata, uint32_t derived_count) const {
  const Shape& s = shapes_[id];
  if (id == packed_ || s.columns.size() != metadata.size() || s.derived_count != derived_count) return false;
  for (size_t i = 0; i < metadata.size(); ++i)
    if (columns_[s.columns[i]].name != metadata[i].name) return false;
  return true;
}

uint32_t MetadataShapes::packed_shape() {
  if (packed_ == UINT32_MAX) {
    packed_ = static_cast<uint32_t>(shapes_.size());
    shapes_.push_back({{static_cast<uint32_t>(columns_.size())}, 0});
    columns_.push_back({"", 0, true, {}});
  }
  return packed_;
}

uint32_t MetadataShapes::make_shape(std::span<const MetadataPair> metadata, uint32_t derived_count) {
  if (shapes_.size() >= max_shapes_ || columns_.size() + metadata.size() > max_columns_) return packed_shape();
  Shape shape;
  shape.derived_count = derived_count;
  std::unordered_map<std::string_view, uint32_t> seen;
  std::string key;
  for (const MetadataPair& pair : metadata) {
    const uint32_t occurrence = seen[pair.name]++;
    key.clear();
    ByteWriter(&key).varint(occurrence);
    key.append(pair.name);
    const auto [at, fresh] = column_ids_.try_emplace(key, static_cast<uint32_t>(columns_.size()));
    if (fresh) columns_.push_back({std::string(pair.name), occurrence, false, {}});
    shape.columns.push_back(at->second);
  }
  shapes_.push_back(std::move(shape));
  return static_cast<uint32_t>(shapes_.size() - 1);
}

uint32_t MetadataShapes::shape_of(std::span<const MetadataPair> metadata, uint32_t derived_count) {
  if (last_ != UINT32_MAX && is_shape(last_, metadata, derived_count)) return last_;
  key_.clear();
  ByteWriter w(&key_);
  w.varint(derived_count);
  for (const MetadataPair& pair : metadata) w.string(pair.name);
  const auto found = shape_ids_.find(key_);
  if (found != shape_ids_.end()) return last_ = found->second;
  const uint32_t id = make_shape(metadata, derived_count);
  if (id != packed_) shape_ids_.emplace(key_, id);
  return last_ = id;
}

void MetadataShapes::add_packed(std::span<const MetadataPair> metadata, uint32_t derived_count) {
  key_.clear();
  ByteWriter w(&key_);
  w.varint(derived_count);
  for (const MetadataPair& pair : metadata) {
    w.string(pair.name);
    w.string(pair.value);
  }
  columns_[shapes_[packed_].columns[0]].cells.push_back(arena_.copy(key_));
}

uint32_t MetadataShapes::add(std::span<const MetadataPair> metadata, uint32_t derived_count) {
  const uint32_t id = shape_of(metadata, derived_count);
  if (id == packed_) {
    add_packed(metadata, derived_count);
    return id;
  }
  const Shape& shape = shapes_[id];
  for (size_t i = 0; i < metadata.size(); ++i) columns_[shape.columns[i]].cells.push_back(metadata[i].value);
  return id;
}

}  // namespace cordwood
