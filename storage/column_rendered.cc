// SPDX-License-Identifier: Apache-2.0
#include "storage/column_rendered.h"

#include "storage/base/coding.h"

namespace cordwood {

namespace {

Error malformed() {
  return Error::corrupt("block: a template is malformed");
}

bool is_of_lines(ColumnSource source) {
  return source == ColumnSource::json || source == ColumnSource::logfmt || source == ColumnSource::text;
}

}  // namespace

/// Between bytes 0 stand constants, behind each byte 0 a column.
Result<void> RenderedReader::parse(std::string_view text) {
  const std::vector<ColumnMeta>& columns = row_texts_->directory().columns;
  size_t begin = 0;
  uint32_t slots = 0;
  for (size_t at = text.find('\0'); at != std::string_view::npos; at = text.find('\0', begin)) {
    ByteReader in(text.substr(at + 1));
    const uint64_t column = in.varint();
    if (in.failed() || column >= columns.size() || ++slots > kMaxTemplateSlots) return malformed();
    const ColumnMeta& meta = columns[column];
    // What is rendered itself could go round in a circle.
    if (meta.type == ColumnType::rendered || !is_of_lines(meta.source)) return malformed();
    shapes_.add_constant(text.substr(begin, at - begin));
    shapes_.add_slot({static_cast<uint32_t>(column), ShapeSlot::Kind::text, meta.path});
    begin = at + 1 + in.position();
  }
  shapes_.add_constant(text.substr(begin));
  shapes_.end_shape(LineForm::text, slots);
  return {};
}

Result<std::span<const Shape>> RenderedReader::templates() {
  if (!loaded_) {
    shapes_.clear();
    for (uint32_t i = 0; i < texts_.rows(); ++i) {
      TRY_ASSIGN(const std::string_view text, texts_.get(i));
      TRY(parse(text));
    }
    shapes_.lay_out();
    loaded_ = true;
  }
  return std::span<const Shape>(shapes_.all());
}

Result<std::vector<uint32_t>> RenderedReader::template_ids() {
  std::vector<uint32_t> ids(ids_.rows());
  TRY(ids_.decode_ids(texts_.rows(), ids.data()));
  return ids;
}

Result<const Shape*> RenderedReader::template_of(uint32_t cell) {
  TRY_ASSIGN(const std::span<const Shape> templates, this->templates());
  TRY_ASSIGN(const int64_t id, ids_.get(cell));
  if (id < 0 || static_cast<uint64_t>(id) >= templates.size()) return malformed();
  return &templates[static_cast<size_t>(id)];
}

Result<void> RenderedReader::append(uint32_t cell, uint32_t row, std::string* out) {
  TRY_ASSIGN(const Shape* shape, template_of(cell));
  const size_t before = out->size();
  for (size_t i = 0; i < shape->slots.size(); ++i) {
    out->append(shape->constants[i]);
    TRY_ASSIGN(const std::string_view text, row_texts_->row_text(shape->slots[i].column, row, &scratch_));
    if (out->size() - before + text.size() > kMaxRenderedBytes) return malformed();
    out->append(text);
  }
  out->append(shape->constants.back());
  return out->size() - before <= kMaxRenderedBytes ? Result<void>() : malformed();
}

Result<uint64_t> RenderedReader::text_bytes(uint32_t cell, uint32_t row) {
  TRY_ASSIGN(const Shape* shape, template_of(cell));
  uint64_t bytes = shape->constants.back().size();
  for (size_t i = 0; i < shape->slots.size(); ++i) {
    TRY_ASSIGN(const uint64_t slot_bytes, row_texts_->row_text_bytes(shape->slots[i].column, row));
    bytes += shape->constants[i].size() + slot_bytes;
  }
  if (bytes > kMaxRenderedBytes) return malformed();
  return bytes;
}

}  // namespace cordwood
