// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/base/arena.h"
#include "storage/model/row_batch.h"

namespace cordwood {

/// Sorts the structured metadata of a block's rows into columns by name.  The names of a row, in their order, are its
/// metadata shape.  Rows past the limits keep their metadata packed in one cell.
class MetadataShapes {
 public:
  struct Column {
    std::string name;
    uint32_t occurrence = 0;
    bool packed = false;  ///< the column of packed rows
    std::vector<std::string_view> cells;
  };
  struct Shape {
    std::vector<uint32_t> columns;
    uint32_t derived_count = 0;
  };

  MetadataShapes(uint32_t max_shapes, uint32_t max_columns) : max_shapes_(max_shapes), max_columns_(max_columns) {}
  void reset();
  /// Adds a row; views must hold until reset().  Returns its shape.
  uint32_t add(std::span<const MetadataPair> metadata, uint32_t derived_count);

  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<Column>& columns() const { return columns_; }

 private:
  uint32_t shape_of(std::span<const MetadataPair> metadata, uint32_t derived_count);
  uint32_t make_shape(std::span<const MetadataPair> metadata, uint32_t derived_count);
  uint32_t packed_shape();
  bool is_shape(uint32_t id, std::span<const MetadataPair> metadata, uint32_t derived_count) const;
  void add_packed(std::span<const MetadataPair> metadata, uint32_t derived_count);

  uint32_t max_shapes_;
  uint32_t max_columns_;
  std::vector<Shape> shapes_;
  std::vector<Column> columns_;
  std::unordered_map<std::string, uint32_t> shape_ids_;   ///< by encoded names
  std::unordered_map<std::string, uint32_t> column_ids_;  ///< by name and occurrence
  std::string key_;
  uint32_t last_ = UINT32_MAX;
  uint32_t packed_ = UINT32_MAX;
  Arena arena_;
};

}  // namespace cordwood
