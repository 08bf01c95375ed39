// SPDX-License-Identifier: Apache-2.0
#include "storage/row_cells.h"

#include <algorithm>

namespace cordwood {

void RowCells::build(std::span<const int64_t> shape_ids, std::vector<const Shape*> shapes, size_t columns) {
  shapes_ = std::move(shapes);
  rows_of_shape_.assign(shapes_.size(), {});
  shapes_with_.assign(columns, {});
  for (uint32_t s = 0; s < shapes_.size(); ++s)
    for (const ShapeSlot& slot : shapes_[s]->slots) shapes_with_[slot.column].push_back(s);
  cells_.clear();
  next_.assign(columns, 0);
  for (const int64_t id : shape_ids) {
    if (id == 0) continue;
    const auto shape = static_cast<uint32_t>(id - 1);
    rows_of_shape_[shape].push_back({static_cast<uint32_t>(cells_.size()), shape});
    for (const ShapeSlot& slot : shapes_[shape]->slots) cells_.push_back(next_[slot.column]++);
  }
}

void RowCells::sort_rows() {
  std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.first_cell < b.first_cell; });
}

}  // namespace cordwood
