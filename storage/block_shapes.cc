// SPDX-License-Identifier: Apache-2.0
#include "storage/block_shapes.h"

#include "storage/base/coding.h"

namespace cordwood {

void ShapeList::clear() {
  constants_.clear();
  slots_.clear();
  shapes_.clear();
}

void ShapeList::end_shape(LineForm form, size_t slots) {
  // Only how many there are, until the vectors grow no more.
  shapes_.push_back({form, {constants_.data(), slots + 1}, {slots_.data(), slots}});
}

void ShapeList::lay_out() {
  constants_.shrink_to_fit();
  slots_.shrink_to_fit();
  shapes_.shrink_to_fit();
  const std::string_view* constant = constants_.data();
  const ShapeSlot* slot = slots_.data();
  for (Shape& shape : shapes_) {
    shape.constants = {constant, shape.constants.size()};
    shape.slots = {slot, shape.slots.size()};
    constant += shape.constants.size();
    slot += shape.slots.size();
  }
}

uint64_t ShapeList::memory_bytes() const {
  return constants_.capacity() * sizeof(std::string_view) + slots_.capacity() * sizeof(ShapeSlot) +
         shapes_.capacity() * sizeof(Shape);
}

Result<void> BlockShapes::load(BlockFrames* frames, const BlockDirectory& directory) {
  if (!with_begin_.empty()) return {};
  TextPiece texts(frames, kShapesPiece);
  if (texts.rows() != directory.shape_count) return Error::corrupt("block: number of shapes differs");
  shapes_.clear();
  for (uint32_t i = 0; i < directory.shape_count; ++i) {
    TRY_ASSIGN(const std::string_view text, texts.get(i));
    TRY(parse(text, directory));
  }
  shapes_.lay_out();
  return list_by_column(directory);
}

Result<void> BlockShapes::parse(std::string_view text, const BlockDirectory& directory) {
  ByteReader in(text);
  const uint8_t form = in.u8();
  if (form == 0 || form > static_cast<uint8_t>(LineForm::text)) return Error::corrupt("block: unknown form of a shape");
  const uint64_t slots = in.count(3);
  for (uint64_t i = 0; i < slots; ++i) {
    const uint64_t column = in.varint();
    const uint8_t kind = in.u8();
    if (column >= directory.columns.size() || kind > static_cast<uint8_t>(ShapeSlot::Kind::text)) {
      return Error::corrupt("block: a shape names an unknown column");
    }
    const ColumnMeta& meta = directory.columns[column];
    if (meta.source == ColumnSource::metadata || meta.source == ColumnSource::packed_metadata) {
      return Error::corrupt("block: a shape names a metadata column");
    }
    if (meta.source == ColumnSource::raw) return Error::corrupt("block: a shape names the column of raw lines");
    shapes_.add_slot({static_cast<uint32_t>(column), static_cast<ShapeSlot::Kind>(kind), meta.path});
  }
  for (uint64_t i = 0; i <= slots; ++i) shapes_.add_constant(in.string());
  TRY(in.finish("shape"));
  shapes_.end_shape(static_cast<LineForm>(form), slots);
  return {};
}

Result<void> BlockShapes::list_by_column(const BlockDirectory& directory) {
  const size_t columns = directory.columns.size();
  std::vector<uint32_t> begin(columns + 1, 0);
  const auto for_each = [&](const auto& take) {
    for (uint32_t c = 0; c < columns; ++c) {
      if (directory.columns[c].source == ColumnSource::raw) take(c, 0);
    }
    for (uint32_t i = 0; i < all().size(); ++i) {
      for (const ShapeSlot& slot : all()[i].slots) take(slot.column, i + 1);
    }
  };
  for_each([&begin](uint32_t column, uint32_t) { ++begin[column + 1]; });
  for (size_t c = 0; c < columns; ++c) begin[c + 1] += begin[c];
  with_.resize(begin[columns]);
  std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
  bool twice = false;
  for_each([&](uint32_t column, uint32_t id) {
    twice = twice || (next[column] > begin[column] && with_[next[column] - 1] == id);
    with_[next[column]++] = id;
  });
  if (twice) return Error::corrupt("block: a shape names a column twice");
  with_begin_ = std::move(begin);
  return {};
}

uint64_t BlockShapes::memory_bytes() const {
  return shapes_.memory_bytes() + (with_.capacity() + with_begin_.capacity()) * sizeof(uint32_t);
}

}  // namespace cordwood
