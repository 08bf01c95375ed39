// SPDX-License-Identifier: Apache-2.0
#include "storage/line_shredder.h"

#include "storage/base/check.h"

namespace cordwood {

struct LineShredder::Impl {
  LineShredderLimits limits;
  std::vector<Shape> shapes;
  std::vector<ColumnKey> columns;
};

LineShredder::LineShredder(LineShredderLimits limits) : impl_(new Impl{limits, {}, {}}) {}
LineShredder::~LineShredder() = default;
LineShredder::LineShredder(LineShredder&&) noexcept = default;

uint32_t LineShredder::shred(std::string_view, std::vector<std::string_view>*) {
  return kRawShape;
}
const std::vector<Shape>& LineShredder::shapes() const {
  return impl_->shapes;
}
const std::vector<ColumnKey>& LineShredder::columns() const {
  return impl_->columns;
}
void LineShredder::reset() {
  impl_->shapes.clear();
  impl_->columns.clear();
}

void render_shape(const Shape& shape, std::span<const std::string_view> cells, std::string* out) {
  CHECK(cells.size() == shape.slots.size(), "cells {} of a shape with {} slots", cells.size(), shape.slots.size());
  out->append(shape.constants.front());
  for (size_t i = 0; i < cells.size(); ++i) {
    out->append(cells[i]);
    out->append(shape.constants[i + 1]);
  }
}

}  // namespace cordwood
